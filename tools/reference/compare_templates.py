"""Compares Swiftlet's rendering of real chat templates with Jinja's, for conversations of many kinds.

    python3 tools/reference/compare_templates.py FOLDER [--program build/release/tests/render_template]

FOLDER holds *.jinja, such as models/templates of llama.cpp's sources. Needs jinja2 3.1. Both must give the same
text or both an error; what Jinja itself cannot render counts as an error.
"""

import argparse
import json
import pathlib
import subprocess
import sys

from jinja_environment import NOW, environment

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "The weather of a city.\nToday's.",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "Its name"},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            "days": {"type": "integer", "minimum": 1},
            "where": {"type": "object", "properties": {"lat": {"type": "number"}, "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["lat"]},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "required": ["city"]}, "return": {"type": "string", "description": "text"}}},
    {"type": "function", "function": {"name": "现在", "description": "时间 <now>", "parameters": {"type": "object", "properties": {}}}},
]


def call(name, arguments, number="123456789"):
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


USER = {"role": "user", "content": "Hello, who are you?"}
CHATS = {
    "one": [USER],
    "system": [{"role": "system", "content": "You are brief.  "}, USER],
    "turns": [{"role": "system", "content": "Be kind."}, USER, {"role": "assistant", "content": " I am a model. "}, {"role": "user", "content": "Good.\n"}],
    "no system": [USER, {"role": "assistant", "content": "I am."}, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "So."}],
    "chinese": [{"role": "system", "content": "你是助手。"}, {"role": "user", "content": "你好，今天“天气”怎么样？😀"}, {"role": "assistant", "content": "很好！"}, {"role": "user", "content": "谢谢"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "First"}, {"type": "text", "text": "second"}]}],
    "thought": [USER, {"role": "assistant", "content": "<think>\nwho am I\n</think>\n\nA model."}, {"role": "user", "content": "Sure?"}],
    "reasoning": [USER, {"role": "assistant", "content": "A model.", "reasoning_content": "who am I"}, {"role": "user", "content": "Sure?"}],
    "tool call": [USER, {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {"city": "Paris", "days": 2, "where": {"lat": 1.5}})]},
                  {"role": "tool", "content": "{\"t\": 20}", "name": "get_weather", "tool_call_id": "123456789"}, {"role": "assistant", "content": "20 degrees."}, {"role": "user", "content": "Thanks"}],
    "tool call of text": [USER, {"role": "assistant", "content": None, "tool_calls": [call("get_weather", "{\"city\": \"Paris\"}")]},
                          {"role": "tool", "content": "rain", "name": "get_weather", "tool_call_id": "123456789"}],
    "two tool calls": [{"role": "system", "content": "Use tools."}, USER,
                       {"role": "assistant", "content": "I look.", "tool_calls": [call("get_weather", {"city": "北京"}, "000000001"), call("现在", {}, "000000002")]},
                       {"role": "tool", "content": "sun", "name": "get_weather", "tool_call_id": "000000001"}, {"role": "tool", "content": "noon", "name": "现在", "tool_call_id": "000000002"}],
    "wrong order": [{"role": "assistant", "content": "I begin."}, {"role": "assistant", "content": "Again."}],
    "unknown role": [{"role": "critic", "content": "Bad."}],
    "empty": [],
    "empty texts": [{"role": "system", "content": ""}, {"role": "user", "content": ""}],
    "developer": [{"role": "developer", "content": "Do it."}, USER],
}


def variables():
    for name, messages in CHATS.items():
        for generate in (False, True):
            for tools in (None, TOOLS):
                yield f"{name}, prompt {generate}, tools {tools is not None}", {
                    "messages": messages, "add_generation_prompt": generate, "tools": tools, "documents": None,
                    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    yield "dated", {"messages": CHATS["system"], "add_generation_prompt": True, "date_string": "26 Jul 2024", "bos_token": "<s>", "eos_token": "</s>"}
    yield "thinking", {"messages": CHATS["turns"], "add_generation_prompt": True, "enable_thinking": True, "bos_token": "<s>", "eos_token": "</s>"}
    yield "no thinking", {"messages": CHATS["turns"], "add_generation_prompt": True, "enable_thinking": False, "bos_token": "<s>", "eos_token": "</s>"}
    yield "documents", {"messages": CHATS["one"], "add_generation_prompt": True, "documents": [{"title": "A", "text": "B"}], "bos_token": "<s>", "eos_token": "</s>"}
    yield "no variables", {"messages": CHATS["turns"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="build/release/tests/render_template")
    options = parser.parse_args()
    rows, wanted = [], []
    for path in sorted(options.folder.glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for name, values in variables():
            try:
                text = environment().from_string(template).render(**values)
            except Exception as error:
                text = error
            wanted.append((path.name, name, text))
            now = [NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second, NOW.isoweekday() % 7, NOW.timetuple().tm_yday - 1]
            rows.append(json.dumps({"template": template, "variables": values, "now": now}, ensure_ascii=False))
    done = subprocess.run([options.program], input="\n".join(rows) + "\n", capture_output=True, text=True, check=True)
    different, errors = 0, 0
    for (file, name, text), line in zip(wanted, done.stdout.splitlines(), strict=True):
        got = json.loads(line)
        errors += isinstance(text, Exception)
        if ("error" in got) if isinstance(text, Exception) else (got.get("text") == text):
            continue
        different += 1
        print(f"{file} ({name}):\n  Jinja    {text!r}\n  Swiftlet {got.get('text', got.get('error'))!r}")
    templates = len({file for file, _, _ in wanted})
    print(f"{templates} templates, {len(rows)} renderings, {errors} of them errors in both, {different} different")
    sys.exit(1 if different or not rows else 0)


if __name__ == "__main__":
    main()
