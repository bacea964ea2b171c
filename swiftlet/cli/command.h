// The table of subcommands. Each has one file with its options and what it does; a new one adds a row.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "swiftlet/cli/command_line.h"
#include "swiftlet/cli/session.h"

namespace swiftlet::cli {

// Runs after the options were read; returns the exit status.
using Action = std::function<int(Session&)>;

struct Command {
  const char* name;
  const char* summary;
  Action (*setup)(CommandLine&);  // declares the options; the line must outlive the action
};

const std::vector<Command>& commands();  // in the order of the help
const Command* find_command(const std::string& name);
std::vector<std::string> command_names();
// Every subcommand with its options declared, for what is made of them.
std::vector<std::unique_ptr<CommandLine>> command_lines();

Action setup_run(CommandLine& line);
Action setup_chat(CommandLine& line);
Action setup_embed(CommandLine& line);
Action setup_search(CommandLine& line);
Action setup_classify(CommandLine& line);
Action setup_rerank(CommandLine& line);
Action setup_tag(CommandLine& line);
Action setup_answer(CommandLine& line);
Action setup_fill(CommandLine& line);
Action setup_tokenize(CommandLine& line);
Action setup_eval(CommandLine& line);
Action setup_bench(CommandLine& line);
Action setup_compress(CommandLine& line);
Action setup_convert(CommandLine& line);
Action setup_download(CommandLine& line);
Action setup_inspect(CommandLine& line);
Action setup_completion(CommandLine& line);
Action setup_help(CommandLine& line);
Action setup_version(CommandLine& line);

// The whole program: reads the arguments, runs, reports errors on standard error. Returns the exit status.
int run_program(int argc, char** argv);

// The one of `names` that is nearest to `word`, empty when none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& names);

}  // namespace swiftlet::cli
