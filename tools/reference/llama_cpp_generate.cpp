// Token ids of a text, and the greedy continuation (decoders) or the first values of the vector (encoders,
// COUNT 0), by llama.cpp: what it makes of a GGUF file that `swiftlet convert` wrote.
// tools/rivals/install.sh builds llama.cpp.
//
//   usage: llama_cpp_generate MODEL.gguf TEXT COUNT
//   build: g++ -std=c++17 tools/reference/llama_cpp_generate.cpp -I$L/include -I$L/ggml/include
//   -L$L/build/bin -lllama
//          -lggml-base -Wl,-rpath,$L/build/bin -o llama_cpp_generate       where L=build/rivals/llama.cpp
#include <llama.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: llama_cpp_generate MODEL.gguf TEXT COUNT\n"), 2;
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level >= GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr) return 1;
  const llama_vocab* vocab = llama_model_get_vocab(model);
  std::vector<llama_token> tokens(std::strlen(argv[2]) + 8);
  const int count = llama_tokenize(vocab, argv[2], int(std::strlen(argv[2])), tokens.data(),
                                   int(tokens.size()), true, true);
  tokens.resize(std::size_t(count));
  for (llama_token token : tokens) std::printf("%d ", token);
  std::printf("\n");
  llama_context_params params = llama_context_default_params();
  const bool encoder = llama_model_n_ctx_train(model) > 0 && std::atoi(argv[3]) == 0;
  params.embeddings = encoder;
  params.n_ctx = 512;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = llama_init_from_model(model, params);
  if (context == nullptr) return 1;
  llama_batch batch = llama_batch_get_one(tokens.data(), int(tokens.size()));
  if (encoder) {
    if (llama_encode(context, batch) != 0 && llama_decode(context, batch) != 0) return 1;
    const float* vector = llama_get_embeddings_seq(context, 0);
    double norm = 0;
    for (int i = 0; i < llama_model_n_embd(model); ++i) norm += double(vector[i]) * vector[i];
    for (int i = 0; i < 8; ++i) std::printf("%.6f ", vector[i] / std::sqrt(norm));
    std::printf("\n");
    return 0;
  }
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    if (llama_decode(context, batch) != 0) return 1;
    const float* logits = llama_get_logits_ith(context, -1);
    llama_token best = 0;
    for (llama_token t = 1; t < llama_vocab_n_tokens(vocab); ++t)
      if (logits[t] > logits[best]) best = t;
    std::printf("%d ", best);
    tokens = {best};
    batch = llama_batch_get_one(tokens.data(), 1);
  }
  std::printf("\n");
}
