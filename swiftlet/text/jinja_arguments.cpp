#include "swiftlet/text/jinja_arguments.h"

#include <algorithm>

#include "swiftlet/text/jinja_write.h"

namespace swiftlet::text::jinja {

void Call::bind(std::span<const char* const> parameters) {
  bound_.assign(parameters.size(), std::nullopt);
  if (arguments.positional.size() > parameters.size())
    run.fail("{}() takes at most {} arguments, {} were given", name, parameters.size(),
             arguments.positional.size());
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) bound_[i] = arguments.positional[i];
  for (const auto& [key, value] : arguments.named) {
    std::size_t i = 0;
    while (i < parameters.size() && key != parameters[i] + (parameters[i][0] == '?' ? 1 : 0)) ++i;
    if (i == parameters.size()) run.fail("{}() got an unexpected keyword argument '{}'", name, key);
    if (bound_[i]) run.fail("{}() got multiple values for argument '{}'", name, key);
    bound_[i] = value;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (!bound_[i] && parameters[i][0] != '?')
      run.fail("{}() is missing its argument '{}'", name, parameters[i]);
}

const Text& Call::text(std::size_t i) const {
  if (!value(i).is_string()) run.fail("{}() wants a text here, not '{}'", name, type_name(value(i)));
  return value(i).text();
}

std::int64_t Call::integer(std::size_t i, std::int64_t fallback) const {
  if (!has(i)) return fallback;
  if (value(i).is_undefined()) run.fail_text(value(i).hint());
  if (!value(i).is_integral()) run.fail("{}() wants an integer here, not '{}'", name, type_name(value(i)));
  return value(i).as_int();
}

std::string Call::self_text() const {
  return str(run, self);
}

Value invoke(const Builtin& builtin, Call& call) {
  const auto& names = builtin.parameters;
  const auto end = std::find(names.begin(), names.end(), nullptr);
  if (names.front() == nullptr || names.front() != std::string_view("*"))
    call.bind({names.data(), static_cast<std::size_t>(end - names.begin())});
  return builtin.run(call);
}

const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [name](const Builtin& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace swiftlet::text::jinja
