// Models of llama2.c (https://github.com/karpathy/llama2.c), the headerless "version 0" .bin:
//
//   7 x i32   dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len
//             (vocab_size negative: the classifier is not the embedding table)
//   f32       token_embedding [vocab, dim]
//             of every layer in turn: rms_att [dim]; then every wq [dim, dim]; wk, wv [kv_dim, dim];
//             wo [dim, dim]; rms_ffn [dim]; w1 [hidden, dim]; w2 [dim, hidden]; w3 [hidden, dim]
//             rms_final [dim]
//             freq_cis_real, freq_cis_imag [seq_len, head_size / 2]: tables that nobody reads any more
//             wcls [vocab, dim], when vocab_size is negative
//
// There is no magic number: a file is taken for such a model when its header is plausible and its size is
// exactly what the header asks for.
//
// The rope of llama2.c turns neighbours (2i, 2i + 1) of a head; that of transformers turns (i, i + half). So
// the rows of wq and wk are put into the order of transformers, the only tensors that are copied.
#pragma once

#include "swiftlet/io/checkpoint.h"

namespace swiftlet {

// The tokenizer is the first file beside it, tokenizer.bin before other tok*.bin in the order of their names,
// that holds exactly vocab_size pieces. `stream` as in CheckpointOptions.
Checkpoint load_llama2c(const std::filesystem::path& path, bool stream = false);

// The same without looking for a tokenizer. Throws kInvalid for anything that is not such a model,
// kUnsupported for the later versions with a magic number.
Checkpoint parse_llama2c(Buffer file, std::string where, bool stream = false);

// The number of pieces in a tokenizer.bin (i32 longest piece, then per piece f32 score, i32 length, bytes);
// 0 when the bytes are not one.
std::int64_t count_llama2c_pieces(std::span<const std::byte> bytes);

}  // namespace swiftlet
