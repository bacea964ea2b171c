#include "swiftlet/text/chat_template.h"

namespace swiftlet::text {
namespace {

// The turns of each format as its model card describes them.
constexpr NamedTemplate kTemplates[] = {
    {"chatml", R"({% for m in messages %}
{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})"},
    {"llama2", R"({% set ns = namespace(system='') %}
{% for m in messages %}
{% if m.role == 'system' %}
{% set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}
{% elif m.role == 'user' %}
{{ bos_token + '[INST] ' + ns.system + m.content|trim + ' [/INST]' }}
{%- set ns.system = '' %}
{% else %}
{{ ' ' + m.content|trim + ' ' + eos_token }}
{%- endif %}
{% endfor %})"},
    {"llama3", R"({{ bos_token }}
{%- for m in messages %}
{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content|trim + '<|eot_id|>' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %})"},
    {"gemma", R"({{ bos_token }}
{%- set ns = namespace(system='') %}
{% for m in messages %}
{% if m.role == 'system' %}
{% set ns.system = m.content|trim + '\n\n' %}
{% else %}
{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + ns.system + m.content|trim + '<end_of_turn>\n' }}
{%- set ns.system = '' %}
{% endif %}
{% endfor %}
{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %})"},
    {"mistral", R"({{ bos_token }}
{%- set ns = namespace(system='') %}
{% for m in messages %}
{% if m.role == 'system' %}
{% set ns.system = m.content + '\n\n' %}
{% elif m.role == 'user' %}
{{ '[INST] ' + ns.system + m.content + ' [/INST]' }}
{%- set ns.system = '' %}
{% else %}
{{ ' ' + m.content + eos_token }}
{%- endif %}
{% endfor %})"},
    {"zephyr", R"({% for m in messages %}
{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %})"},
    {"phi3", R"({% for m in messages %}
{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %})"},
    {"plain", R"({% for m in messages %}
{{ m.role|capitalize + ': ' + m.content|trim + '\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %})"},
};

}  // namespace

std::span<const NamedTemplate> named_templates() {
  return kTemplates;
}

}  // namespace swiftlet::text
