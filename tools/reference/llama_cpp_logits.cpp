// What llama.cpp computes with a GGUF file from token ids: the logits of every position of a decoder, the
// hidden states of an encoder, as f32 on standard output. compare_llama_cpp.py runs it.
//
//   usage: llama_cpp_logits MODEL.gguf ID...
//   build: as llama_cpp_generate.cpp
#include <llama.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: llama_cpp_logits MODEL.gguf ID...\n"), 2;
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level >= GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr) return 1;
  std::vector<llama_token> tokens;
  for (int i = 2; i < argc; ++i) tokens.push_back(std::atoi(argv[i]));
  llama_context_params params = llama_context_default_params();
  char architecture[64] = "";
  llama_model_meta_val_str(model, "general.architecture", architecture, sizeof architecture);
  char causal[8] = "true";
  llama_model_meta_val_str(model, (std::string(architecture) + ".attention.causal").c_str(), causal,
                           sizeof causal);
  const bool encoder = std::string(causal) == "false";
  params.embeddings = encoder;
  params.pooling_type = encoder ? LLAMA_POOLING_TYPE_NONE : LLAMA_POOLING_TYPE_UNSPECIFIED;
  params.n_ctx = params.n_batch = params.n_ubatch = 128;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = llama_init_from_model(model, params);
  if (context == nullptr) return 1;
  llama_batch batch = llama_batch_init(int(tokens.size()), 0, 1);
  batch.n_tokens = int(tokens.size());
  for (int i = 0; i < batch.n_tokens; ++i) {
    batch.token[i] = tokens[std::size_t(i)];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  if ((encoder ? llama_encode(context, batch) : llama_decode(context, batch)) != 0) return 1;
  const int width = encoder ? llama_model_n_embd(model) : llama_vocab_n_tokens(llama_model_get_vocab(model));
  for (int i = 0; i < batch.n_tokens; ++i) {
    const float* row = encoder ? llama_get_embeddings_ith(context, i) : llama_get_logits_ith(context, i);
    std::fwrite(row, sizeof(float), std::size_t(width), stdout);
  }
  return 0;
}
