// What stands behind the handles of the public interface. Internal to api/.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "swiftlet/core/error.h"
#include "swiftlet/engine/encoder.h"
#include "swiftlet/engine/engine.h"
#include "swiftlet/swiftlet.h"
#include "swiftlet/tasks/head_runner.h"

namespace swiftlet {

// Threads that want the same buffers take turns. Throws kUsage where one thread asks twice, which would wait
// for ever: a callback of generate() that calls embed() of the same model.
class Turns {
 public:
  class Turn {
   public:
    explicit Turn(Turns& turns);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> holder_;
};

struct Model::Impl {
  std::shared_ptr<LoadedModel> loaded;
  std::shared_ptr<LoadedModel> draft;  // null where there is none
  std::string path;
  double load_seconds = 0;
  std::atomic<std::int64_t> embedded_tokens{0};

  Turns turns;                              // for what follows
  std::optional<Encoder> encoder;           // made by the first embed()
  std::optional<Engine> engine;             // made by the first generate(), again when it must hold more
  std::string prompt_cache_file;            // that the state in the engine was read from or written to
  std::optional<tasks::HeadRunner> runner;  // made by the first task of the head
  // The tokens whose texts hold one of these: to find them, the whole vocabulary is decoded.
  struct Breakers {
    std::vector<std::string> texts;
    std::vector<std::int32_t> tokens;
  } breakers;

  Encoder& require_encoder();
  // Throws kUnsupported unless the model has the head that `command` needs.
  tasks::HeadRunner& require_runner(models::Task task, std::string_view command);
  // Those of DRY, in order; none where it is off. Kept until others are asked for.
  std::vector<std::int32_t> breaker_tokens(const GenerateOptions& options);
  Engine& require_engine(std::int64_t sequences, std::int64_t context, const SpeculationOptions& speculation);
  // Generates for all prompts at once; results in their order. on_text hears of every sequence.
  std::vector<Generation> generate(std::vector<std::vector<std::int32_t>> prompts,
                                   const GenerateOptions& options, const OnText& on_text, const Job* job);
  // GenerateOptions::prompt_cache, before and after.
  void load_prompt_cache(const GenerateOptions& options);
  void save_prompt_cache(const GenerateOptions& options, const GenerationResult& result);
  // One answer of a conversation: the engine keeps what it computed, and computes only what is new to it.
  Generation generate_turn(std::vector<std::int32_t> prompt, const GenerateOptions& options,
                           std::vector<std::int32_t> end_tokens, std::int64_t context, const OnText& on_text,
                           const Job* job);
};

// Lets the free functions of the library reach behind a Model.
struct ModelAccess {
  static Model::Impl& impl(Model& model) { return *model.impl_; }
};

// The path of a file, a folder or a bundled model; nothing where there is none of that name.
std::optional<std::string> find_model(const std::string& name);

// "" is nullopt; throws kUsage for an unknown name.
std::optional<Arithmetic> parse_precision(std::string_view name, std::string_view where = "precision");

// A job that does nothing, for callers that pass none.
const Job& or_default(const Job* job);

}  // namespace swiftlet
