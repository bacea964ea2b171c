// swiftlet inspect MODEL | --machine | --graph | --verify | --check
#include <algorithm>
#include <map>
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/table.h"

namespace swiftlet::cli {
namespace {

struct InspectOptions {
  std::string model, format = "plan", reference;
  double tolerance = 1e-4;
  bool machine = false, no_measure = false, graph = false, lowered = false, verify = false, tensors = false;
  bool check = false;
};

void check(const InspectOptions& options, bool format_given, bool tolerance_given) {
  if (int(options.machine) + int(options.graph) + int(options.verify) + int(options.check) > 1)
    wrong_use("inspect", "--machine, --graph, --verify and --check exclude one another");
  if (options.machine && !options.model.empty()) wrong_use("inspect", "--machine takes no MODEL");
  if (!options.machine && options.model.empty())
    wrong_use("inspect", "MODEL or --machine was expected", "`swiftlet inspect --help` shows the usage");
  if ((options.lowered || format_given) && !options.graph)
    wrong_use("inspect", "--lowered and --format go with --graph");
  if (options.lowered && options.format == "plan" && format_given)
    wrong_use("inspect", "a plan is always lowered: --lowered goes with --format text and dot");
  if (options.no_measure && !options.machine) wrong_use("inspect", "--no-measure goes with --machine");
  if (options.tensors && (options.machine || options.graph || options.verify || options.check))
    wrong_use("inspect", "--tensors goes with MODEL alone");
  if (options.check != !options.reference.empty())
    wrong_use("inspect", "--check and --reference go together");
  if (tolerance_given && !options.check) wrong_use("inspect", "--tolerance goes with --check");
}

int show_machine(Session& session, bool measure) {
  const MachineInfo info = machine(measure, session.options.threads);
  if (session.job.cancelled()) fail(ErrorCode::kCancelled, "inspect", "interrupted");
  Json object{{"cpu", info.cpu},
              {"isa", info.isa},
              {"available_isas", info.available_isas},
              {"features", info.features},
              {"cuda_devices", info.cuda_devices},
              {"threads", info.threads},
              {"total_memory_bytes", info.total_memory_bytes},
              {"available_memory_bytes", info.available_memory_bytes}};
  if (measure)
    object.update({{"read_gigabytes_per_second", info.read_gigabytes_per_second},
                   {"f32_gflops", info.f32_gflops},
                   {"bf16_gflops", info.bf16_gflops},
                   {"int8_gops", info.int8_gops}});
  if (session.options.json) {
    session.print_json(object);
    return kDone;
  }
  Table table({{""}, {""}});
  table.row({"cpu", info.cpu});
  table.row({"kernels", info.isa});
  table.row({"available", fmt::format("{}", fmt::join(info.available_isas, ", "))});
  table.row({"features", fmt::format("{}", fmt::join(info.features, ", "))});
  for (const std::string& device : info.cuda_devices) table.row({"GPU", device});
  table.row({"threads", std::to_string(info.threads)});
  table.row({"memory", fmt::format("{}, {} available", human_bytes(info.total_memory_bytes),
                                   human_bytes(info.available_memory_bytes))});
  const auto limit = [&](const char* name, double value, const char* unit) {
    if (measure) table.row({name, value > 0 ? human_number(value) + " " + unit : "not available"});
  };
  limit("memory read", info.read_gigabytes_per_second, "GB/s");
  limit("f32 peak", info.f32_gflops, "GFLOP/s");
  limit("bf16 peak", info.bf16_gflops, "GFLOP/s");
  limit("int8 peak", info.int8_gops, "Gop/s");
  session.out.write(table.text());
  return kDone;
}

int verify(Session& session, const std::string& name) {
  const std::string path = session.fetch(name);
  if (!path.ends_with(".swiftlet"))
    wrong_use("inspect", fmt::format("--verify is for native files, name.swiftlet, not {}", name));
  const std::int64_t tensors = verify_file(path, &session.job);
  session.progress.clear();
  if (session.options.json)
    session.print_json({{"model", name}, {"verified_tensors", tensors}});
  else
    session.out.line(fmt::format("{}: every hash agrees ({} tensors)", path, grouped(tensors)));
  return kDone;
}

// "hidden.3" is what the third block gives.
std::string place_of(const std::string& value) {
  if (!value.starts_with("hidden.")) return value;
  const int number = std::stoi(value.substr(7));
  return number == 0 ? "embeddings" : fmt::format("layer {}", number - 1);
}

Json to_json(const ReferenceDifference& place) {
  return {
      {"place", place_of(place.value)},       {"tensor", place.tensor}, {"relative_l2", place.relative_l2},
      {"worst_element", place.worst_element}, {"got", place.got},       {"reference", place.reference}};
}

// The arithmetic of the reference, unless the user asks for another.
int check_against(Session& session, const InspectOptions& options) {
  const Model model = session.load(options.model, "f32");
  const std::vector<ReferenceDifference> places = model.check(options.reference);
  const auto first = std::find_if(places.begin(), places.end(), [&](const ReferenceDifference& place) {
    return !(place.relative_l2 <= options.tolerance);
  });
  if (session.options.json) {
    Json list = Json::array();
    for (const ReferenceDifference& place : places) list.push_back(to_json(place));
    session.print_json(
        {{"model", options.model},
         {"reference", options.reference},
         {"tolerance", options.tolerance},
         {"agrees", first == places.end()},
         {"first_different", first == places.end() ? Json(nullptr) : Json(place_of(first->value))},
         {"places", std::move(list)}});
  } else {
    Table table({{"place"},
                 {"relative L2", Align::kRight},
                 {"worst element", Align::kRight},
                 {"here", Align::kRight},
                 {"reference", Align::kRight}});
    for (const ReferenceDifference& place : places)
      table.row({place_of(place.value), fmt::format("{:.2e}", place.relative_l2),
                 grouped(place.worst_element), fmt::format("{:.6g}", place.got),
                 fmt::format("{:.6g}", place.reference)});
    session.out.write(table.text());
  }
  if (first == places.end()) return kDone;
  session.out.flush();
  throw Failure(
      kFailed,
      fmt::format("[{}: tensor '{}'] {} is the first place that differs: relative L2 {:.2e}, {:.2e} is "
                  "allowed",
                  options.reference, first->tensor, place_of(first->value), first->relative_l2,
                  options.tolerance));
}

Json parsed(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json::parse(text, nullptr, false);
}

Json to_json(const ModelInfo& info) {
  Json weights = Json::array();
  for (const WeightInfo& weight : info.weights)
    weights.push_back({{"name", weight.name},
                       {"shape", weight.shape},
                       {"encoding", weight.encoding},
                       {"arithmetic", weight.arithmetic},
                       {"bytes", weight.bytes}});
  return {{"source", info.source},
          {"format", info.format},
          {"model_type", info.model_type},
          {"kind", info.kind},
          {"parameters", info.parameters},
          {"weight_bytes", info.weight_bytes},
          {"file_bytes", info.file_bytes},
          {"layers", info.layers},
          {"hidden_size", info.hidden_size},
          {"vocab_size", info.vocab_size},
          {"max_positions", info.max_positions},
          {"pooling", info.pooling},
          {"tokenizer", info.tokenizer},
          {"head", info.head},
          {"labels", info.labels},
          {"weights", std::move(weights)},
          {"plan", parsed(info.plan_json)},
          {"certificate", parsed(info.certificate_json)}};
}

// A certificate or plan as indented "key  value" rows.
void add_rows(Table& table, const std::string& name, const Json& value, const std::string& indent) {
  if (value.is_object()) {
    table.row({indent + name});
    for (const auto& [key, child] : value.items()) add_rows(table, key, child, indent + "  ");
  } else if (value.is_array() && value.size() > 8) {
    table.row({indent + name, fmt::format("{} entries", value.size())});
  } else {
    const bool plain = value.is_string();
    table.row({indent + name, plain ? value.get<std::string>()
                                    : value.dump(-1, ' ', false, Json::error_handler_t::replace)});
  }
}

Table encodings_table(const ModelInfo& info) {
  struct Sum {
    std::int64_t count = 0, bytes = 0;
  };
  std::map<std::pair<std::string, std::string>, Sum> sums;
  for (const WeightInfo& weight : info.weights) {
    Sum& sum = sums[{weight.encoding, weight.arithmetic}];
    ++sum.count;
    sum.bytes += weight.bytes;
  }
  Table table({{"encoding"}, {"arithmetic"}, {"weights", Align::kRight}, {"size", Align::kRight}});
  for (const auto& [key, sum] : sums)
    table.row({key.first, key.second, grouped(sum.count), human_bytes(sum.bytes)});
  return table;
}

Table tensors_table(const ModelInfo& info) {
  Table table({{"weight"}, {"shape"}, {"encoding"}, {"arithmetic"}, {"size", Align::kRight}});
  for (const WeightInfo& weight : info.weights)
    table.row({weight.name, fmt::format("{}", fmt::join(weight.shape, " x ")), weight.encoding,
               weight.arithmetic, human_bytes(weight.bytes)});
  return table;
}

std::string shortened(const std::vector<std::string>& labels) {
  constexpr std::size_t kMost = 10;
  const auto end = labels.begin() + std::ptrdiff_t(std::min(labels.size(), kMost));
  return fmt::format("{}{}", fmt::join(labels.begin(), end, ", "),
                     labels.size() > kMost ? fmt::format(", ... ({})", labels.size()) : "");
}

void print(Session& session, const ModelInfo& info, bool tensors) {
  Table table({{""}, {""}});
  const auto number = [&](const char* name, std::int64_t value) {
    if (value > 0) table.row({name, grouped(value)});
  };
  table.row({"source", info.source});
  table.row({"format", info.format});
  table.row({"model", info.model_type + ", " + info.kind});
  number("parameters", info.parameters);
  table.row({"file", human_bytes(info.file_bytes)});
  table.row({"weights", human_bytes(info.weight_bytes)});
  number("layers", info.layers);
  number("hidden size", info.hidden_size);
  number("vocabulary", info.vocab_size);
  number("positions", info.max_positions);
  if (!info.pooling.empty()) table.row({"pooling", info.pooling});
  if (!info.head.empty()) table.row({"head", info.head});
  if (!info.labels.empty()) table.row({"labels", shortened(info.labels)});
  table.row({"tokenizer", info.tokenizer.empty() ? "none" : info.tokenizer});
  const Json certificate = parsed(info.certificate_json);
  // The certificate repeats the plan.
  if (!info.plan_json.empty() && !certificate.contains("plan"))
    add_rows(table, "plan", parsed(info.plan_json), "");
  if (!certificate.is_null()) add_rows(table, "certificate", certificate, "");
  session.out.write(table.text() + "\n");
  session.out.write(tensors ? tensors_table(info).text() : encodings_table(info).text());
}

Json to_json(const PlanInfo& plan) {
  Json kernels = Json::array();
  for (const PlanInfo::Kernel& kernel : plan.kernels) {
    Json outputs = Json::array();
    for (const PlanInfo::Value& value : kernel.outputs)
      outputs.push_back({{"name", value.name},
                         {"type", value.type},
                         {"arena_offset", value.offset},
                         {"arena_bytes", value.bytes}});
    kernels.push_back({{"name", kernel.name},
                       {"op", kernel.op},
                       {"arithmetic", kernel.arithmetic},
                       {"outputs", std::move(outputs)},
                       {"weight_bytes", kernel.weight_bytes},
                       {"workspace_bytes", kernel.workspace_bytes}});
  }
  return {{"max_tokens", plan.max_tokens},         {"arena_bytes", plan.arena_bytes},
          {"unshared_bytes", plan.unshared_bytes}, {"workspace_bytes", plan.workspace_bytes},
          {"weight_bytes", plan.weight_bytes},     {"pack_bytes", plan.pack_bytes},
          {"kernels", std::move(kernels)}};
}

// One line for each output; what belongs to the kernel stands in its first.
Table plan_table(const PlanInfo& plan) {
  Table table({{"kernel"},
               {"op"},
               {"output"},
               {"arena offset", Align::kRight},
               {"bytes", Align::kRight},
               {"weights", Align::kRight},
               {"workspace", Align::kRight}});
  const auto number = [](std::int64_t value) { return value > 0 ? grouped(value) : std::string(); };
  for (const PlanInfo::Kernel& kernel : plan.kernels) {
    const std::string op = kernel.op + (kernel.arithmetic == "f32" ? "" : " " + kernel.arithmetic);
    for (std::size_t i = 0; i < kernel.outputs.size(); ++i) {
      const PlanInfo::Value& value = kernel.outputs[i];
      const bool stored = value.bytes > 0;
      table.row({i == 0 ? kernel.name : "", i == 0 ? op : "", stored ? value.type : "in the cache",
                 stored ? grouped(value.offset) : "", number(value.bytes),
                 i == 0 ? number(kernel.weight_bytes) : "", i == 0 ? number(kernel.workspace_bytes) : ""});
    }
  }
  return table;
}

int show_plan(Session& session, const std::string& name, const Model& model) {
  const PlanInfo plan = model.plan();
  if (session.options.json) {
    session.print_json({{"model", name}, {"format", "plan"}, {"plan", to_json(plan)}});
    return kDone;
  }
  session.out.write(plan_table(plan).text());
  Table sums({{""}, {"", Align::kRight}, {""}});
  const auto sum = [&](const char* what, std::int64_t bytes, const std::string& remark = "") {
    sums.row({what, grouped(bytes), remark});
  };
  sum("kernels", static_cast<std::int64_t>(plan.kernels.size()),
      fmt::format("steps of up to {} tokens", plan.max_tokens));
  sum("arena", plan.arena_bytes,
      fmt::format("bytes; {} if no value shared its place", grouped(plan.unshared_bytes)));
  sum("workspace", plan.workspace_bytes, "bytes, of the kernel that needs most");
  sum("weights", plan.weight_bytes, "bytes as they are read");
  sum("packs", plan.pack_bytes, "bytes of these are made at load, the others read from the file");
  session.out.write("\n" + sums.text());
  return kDone;
}

int inspect(Session& session, const InspectOptions& options) {
  if (options.machine) return show_machine(session, !options.no_measure);
  if (options.verify) return verify(session, options.model);
  if (options.check) return check_against(session, options);
  const Model model = session.load(options.model);
  if (options.graph && options.format == "plan" && !options.lowered)
    return show_plan(session, options.model, model);
  if (options.graph) {
    const std::string format = options.format == "plan" ? "text" : options.format;
    std::string text = model.graph(format, options.lowered);
    if (session.options.json)
      session.print_json({{"model", options.model},
                          {"format", format},
                          {"lowered", options.lowered},
                          {"graph", std::move(text)}});
    else
      session.out.write(text.ends_with('\n') ? text : text + "\n");
    return kDone;
  }
  if (session.options.json)
    session.print_json(to_json(model.info()));
  else
    print(session, model.info(), options.tensors);
  return kDone;
}

}  // namespace

Action setup_inspect(CommandLine& line) {
  auto options = std::make_shared<InspectOptions>();
  line.positional("MODEL", options->model, "The model to show", false);
  line.group("What");
  line.flag("--tensors", options->tensors, "Every weight, not only the sums by encoding");
  line.flag("--verify", options->verify, "Check every hash of a native file");
  line.flag("--graph", options->graph, "Every kernel as it runs: shapes, bytes, places in memory");
  line.flag("--lowered", options->lowered, "With --graph: the graph after fusion, as text");
  line.choice("--format", options->format, {"plan", "text", "dot"},
              "With --graph: the plan, the graph as text, or dot for Graphviz");
  line.flag("--check", options->check,
            "Compare every layer with a reference: the first that differs is named");
  line.text("--reference", options->reference, "FILE", "With --check: what dump_reference.py wrote");
  line.number("--tolerance", options->tolerance, "With --check: the relative L2 that still agrees", 0.0, 1.0);
  line.flag("--machine", options->machine, "This machine: kernels chosen, threads, memory, measured limits");
  line.flag("--no-measure", options->no_measure, "With --machine: leave the measurements out");
  line.machine_options();
  line.output_options();
  line.examples(
      {"swiftlet inspect minilm.swiftlet", "swiftlet inspect --machine --json",
       "swiftlet inspect models/my-llama --check --reference my-llama.safetensors",
       "swiftlet inspect assets/stories-7m --graph --lowered --format dot | dot -Tsvg > graph.svg"});
  return [options, &line](Session& session) {
    check(*options, line.given("--format"), line.given("--tolerance"));
    return inspect(session, *options);
  };
}

}  // namespace swiftlet::cli
