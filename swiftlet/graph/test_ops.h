// Ops for the tests of the graph alone; they only infer. Included by tests only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "swiftlet/core/error.h"
#include "swiftlet/graph/op_schema.h"

namespace swiftlet::test {

// same(x, ...): the type of x; every other input must have it too.
inline const OpSchema kSame{.name = "same", .infer = [](const NodeView& node) -> std::vector<Inferred> {
                              for (std::size_t i = 1; i < node.inputs(); ++i)
                                require(!node.has(i) || node.type(i) == node.type(0), "infer", "{} is not {}",
                                        node.has(i) ? node.type(i).to_string() : "",
                                        node.type(0).to_string());
                              return {node.type(0)};
                            }};

// split(x) -> two values of its type.
inline const OpSchema kSplit{.name = "split", .infer = [](const NodeView& node) -> std::vector<Inferred> {
                               return {node.type(0), node.type(0)};
                             }};

inline Type row(std::int64_t width) {
  return {DType::kF32, {Dim::symbol("tokens"), width}};
}

// The message of the Error that `action` throws; fails the test when it throws none.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

}  // namespace swiftlet::test
