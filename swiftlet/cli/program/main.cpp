#include "swiftlet/cli/command.h"

int main(int argc, char** argv) {
  return swiftlet::cli::run_program(argc, argv);
}
