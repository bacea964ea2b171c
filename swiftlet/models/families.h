// Every family by the name of its row in the registry; each is defined in the file of its kind.
#pragma once

#include "swiftlet/models/family.h"

namespace swiftlet::models {

// Decoders of Llama's kind
extern const Family kLlama, kMistral;          // llama.cpp
extern const Family kQwen2, kQwen3;            // qwen.cpp
extern const Family kGemma, kGemma2, kGemma3;  // gemma.cpp
extern const Family kPhi3;                     // phi3.cpp
extern const Family kSmolLm3;                  // smollm3.cpp
extern const Family kOlmo;                     // olmo.cpp
extern const Family kOlmo2;                    // olmo2.cpp
extern const Family kGranite;                  // granite.cpp
extern const Family kStableLm;                 // stablelm.cpp
extern const Family kCohere, kCohere2;         // cohere.cpp
extern const Family kGlm, kGlm4;               // glm.cpp

// Mixtures of experts
extern const Family kMixtral;              // mixtral.cpp
extern const Family kQwen2Moe, kQwen3Moe;  // qwen_moe.cpp
extern const Family kOlmoe;                // olmoe.cpp
extern const Family kGptOss;               // gpt_oss.cpp
extern const Family kGraniteMoe;           // granite.cpp

// Decoders of GPT's kind
extern const Family kGpt2;     // gpt2.cpp
extern const Family kGptNeoX;  // gpt_neox.cpp
extern const Family kGptJ;     // gptj.cpp
extern const Family kPhi;      // phi.cpp
extern const Family kFalcon;   // falcon.cpp
extern const Family kOpt;      // opt.cpp
extern const Family kBloom;    // bloom.cpp
extern const Family kMpt;      // mpt.cpp

// Encoders
extern const Family kBert, kRoberta, kXlmRoberta, kCamembert, kElectra, kAlbert, kMpnet,
    kDistilbert;                  // bert.cpp
extern const Family kDebertaV2;   // deberta.cpp
extern const Family kModernBert;  // modernbert.cpp
extern const Family kNomicBert;   // nomic_bert.cpp

}  // namespace swiftlet::models
