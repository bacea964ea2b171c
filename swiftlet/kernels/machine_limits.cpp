#include "swiftlet/kernels/machine_limits.h"

#include <emmintrin.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "swiftlet/core/buffer.h"
#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/memory.h"
#include "swiftlet/kernels/amx/tile.h"

namespace swiftlet::kernels {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A loop of instructions that depend on nothing but their own accumulator. Twelve accumulators hide the
// latency (4 to 5 cycles on two ports). This file is compiled for baseline x86-64: the loops spell out their
// instructions, and a processor that lacks them never enters.
struct Loop {
  void (*run)(std::int64_t iterations);
  double ops;  // of one iteration
};

void f32_sse(std::int64_t n) {
  __asm__ volatile(
      "1:\n"
      ".irp r,0,1,2,3,4,5\n mulps %%xmm12, %%xmm\\r\n .endr\n"
      ".irp r,6,7,8,9,10,11\n addps %%xmm12, %%xmm\\r\n .endr\n"
      "dec %0\n jnz 1b\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11");
}

void f32_avx2(std::int64_t n) {
  __asm__ volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n vxorps %%ymm\\r, %%ymm\\r, %%ymm\\r\n .endr\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n vfmadd231ps %%ymm12, %%ymm13, %%ymm\\r\n .endr\n"
      "dec %0\n jnz 1b\n vzeroupper\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13");
}

void f32_avx512(std::int64_t n) {
  __asm__ volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n .endr\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n vfmadd231ps %%zmm12, %%zmm13, %%zmm\\r\n .endr\n"
      "dec %0\n jnz 1b\n vzeroupper\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13");
}

void bf16_avx512(std::int64_t n) {
  __asm__ volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n .endr\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n vdpbf16ps %%zmm12, %%zmm13, %%zmm\\r\n .endr\n"
      "dec %0\n jnz 1b\n vzeroupper\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13");
}

void int8_avx512(std::int64_t n) {
  __asm__ volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n .endr\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n vpdpbusd %%zmm12, %%zmm13, %%zmm\\r\n .endr\n"
      "dec %0\n jnz 1b\n vzeroupper\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13");
}

// In VEX encoding, which processors without AVX-512 have.
void int8_avxvnni(std::int64_t n) {
  __asm__ volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n .endr\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n %{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm\\r\n .endr\n"
      "dec %0\n jnz 1b\n vzeroupper\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13");
}

// Full tiles: four sums, each of two tiles of x times each of two of weights. The product takes 16 cycles and
// its result 52, so four sums keep the unit busy. No compiler uses these registers by itself.
constexpr double kTileProducts = 4 * 16 * 16;  // of one iteration, each of 64 bytes

void int8_amx(std::int64_t n) {
  const amx::TileConfig config = amx::config_of(amx::kTileRows, amx::kTileWords);
  __asm__ volatile(
      "ldtilecfg %1\n"
      ".irp r,0,1,2,3,4,5,6,7\n tilezero %%tmm\\r\n .endr\n"
      "1:\n"
      "tdpbsud %%tmm6, %%tmm4, %%tmm0\n tdpbsud %%tmm7, %%tmm4, %%tmm1\n"
      "tdpbsud %%tmm6, %%tmm5, %%tmm2\n tdpbsud %%tmm7, %%tmm5, %%tmm3\n"
      "dec %0\n jnz 1b\n tilerelease\n"
      : "+r"(n)
      : "m"(config)
      : "cc");
}

void bf16_amx(std::int64_t n) {
  const amx::TileConfig config = amx::config_of(amx::kTileRows, amx::kTileWords);
  __asm__ volatile(
      "ldtilecfg %1\n"
      ".irp r,0,1,2,3,4,5,6,7\n tilezero %%tmm\\r\n .endr\n"
      "1:\n"
      "tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n tdpbf16ps %%tmm7, %%tmm4, %%tmm1\n"
      "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n tdpbf16ps %%tmm7, %%tmm5, %%tmm3\n"
      "dec %0\n jnz 1b\n tilerelease\n"
      : "+r"(n)
      : "m"(config)
      : "cc");
}

// Multiply bytes, widen, add: the three instructions that do without VNNI.
void int8_avx2(std::int64_t n) {
  __asm__ volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n .endr\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5\n vpmaddubsw %%ymm12, %%ymm13, %%ymm14\n vpmaddwd %%ymm12, %%ymm14, %%ymm15\n"
      " vpaddd %%ymm15, %%ymm\\r, %%ymm\\r\n .endr\n"
      "dec %0\n jnz 1b\n vzeroupper\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm12", "xmm13", "xmm14", "xmm15");
}

// The most operations per second over all members: short runs, the best counts.
double best_rate(ThreadPool& pool, const Loop& loop) {
  constexpr std::int64_t kIterations = 50'000;  // 0.2 ms
  double best = 0;
  const double end = seconds_now() + 0.08;
  while (seconds_now() < end) {
    const double begin = seconds_now();
    pool.run([&](int) { loop.run(kIterations); });
    const double seconds = seconds_now() - begin;
    best = std::max(best, loop.ops * kIterations * pool.size() / seconds);
  }
  return best;
}

// Reading: sums of all lines, so that no load can be left out.

__m128i read_line(const std::byte* at) {
  const auto* words = reinterpret_cast<const __m128i*>(at);
  return _mm_xor_si128(_mm_xor_si128(_mm_load_si128(words), _mm_load_si128(words + 1)),
                       _mm_xor_si128(_mm_load_si128(words + 2), _mm_load_si128(words + 3)));
}

template <int kStreams, int kAhead>
int read_streams(const std::byte* data, std::size_t bytes) {
  const std::size_t part = bytes / kStreams / 64 * 64;
  __m128i sum = _mm_setzero_si128();
  for (std::size_t i = 0; i < part; i += 64) {
    for (int s = 0; s < kStreams; ++s) {
      const std::byte* at = data + static_cast<std::size_t>(s) * part + i;
      if constexpr (kAhead > 0) _mm_prefetch(reinterpret_cast<const char*>(at + kAhead), _MM_HINT_T0);
      sum = _mm_xor_si128(sum, read_line(at));
    }
  }
  return _mm_cvtsi128_si32(sum);
}

// One stream in the widest loads: what counts where the data fit into the caches. Eight lines a turn.
int read_avx512(const std::byte* data, std::size_t bytes) {
  for (auto turns = static_cast<std::int64_t>(bytes / 512); turns > 0; --turns, data += 512)
    __asm__ volatile(".irp r,0,1,2,3,4,5,6,7\n vmovdqa64 64*\\r(%0), %%zmm\\r\n .endr\n"
                     :
                     : "r"(data)
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
  __asm__ volatile("vzeroupper");
  return 0;
}

using Read = int (*)(const std::byte* data, std::size_t bytes);
constexpr Read kPatterns[] = {read_streams<1, 0>,    read_streams<1, 1024>, read_streams<4, 0>,
                              read_streams<4, 2048>, read_streams<8, 512>,  read_streams<16, 0>};

constexpr std::uint64_t kPage = 4096;

// So many that the last-level cache keeps little of them from one pass to the next.
std::uint64_t bytes_beyond_the_caches() {
  const std::uint64_t cache = static_cast<std::uint64_t>(std::max(::sysconf(_SC_LEVEL3_CACHE_SIZE), 0L));
  return std::max(std::uint64_t{256} << 20, 4 * cache);
}

// Bytes per second of the fastest pass. What the caches keep from pass to pass counts, as it does for a model
// that reads its weights in every step.
double best_pass(ThreadPool& pool, Read read, const std::byte* data, std::size_t share) {
  constexpr double kSeconds = 0.03;
  std::vector<int> sums(static_cast<std::size_t>(pool.size()) * 16);
  double best = 0;
  const double end = seconds_now() + kSeconds;
  for (int pass = 0; pass < 2 || seconds_now() < end; ++pass) {
    const double begin = seconds_now();
    pool.run([&](int member) {
      const auto m = static_cast<std::size_t>(member);
      sums[m * 16] += read(data + m * share, share);
    });
    best = std::max(best, static_cast<double>(share) * pool.size() / (seconds_now() - begin));
  }
  __asm__ volatile("" : : "r"(sums.data()) : "memory");  // the sums are used
  return best;
}

}  // namespace

double measure_read_bytes(ThreadPool& pool, std::uint64_t bytes) {
  const std::uint64_t beyond = bytes_beyond_the_caches();
  if (bytes == 0 || bytes > beyond) bytes = beyond;
  const auto members = static_cast<std::uint64_t>(pool.size());
  bytes = std::min(bytes, available_memory_bytes() / 8);
  const std::size_t share = std::max<std::uint64_t>(bytes / members / kPage, 4) * kPage;
  Buffer buffer = Buffer::heap(share * members + kPage);  // for prefetches past the end
  std::byte* const data =
      buffer.mutable_data() + (kPage - reinterpret_cast<std::uintptr_t>(buffer.data()) % kPage) % kPage;
  double best = 0;
  for (const Read read : kPatterns) best = std::max(best, best_pass(pool, read, data, share));
  if (cpu_info().avx512) best = std::max(best, best_pass(pool, read_avx512, data, share));
  return best;
}

double measure_f32_ops(ThreadPool& pool) {
  const CpuInfo& cpu = cpu_info();
  if (cpu.avx512) return best_rate(pool, {f32_avx512, 12 * 16 * 2});
  if (cpu.avx2 && cpu.fma) return best_rate(pool, {f32_avx2, 12 * 8 * 2});
  return best_rate(pool, {f32_sse, 12 * 4});
}

double measure_bf16_ops(ThreadPool& pool) {
  if (cpu_info().amx_bf16 && request_tile_registers())
    return best_rate(pool, {bf16_amx, kTileProducts * 32 * 2});
  return cpu_info().avx512_bf16 ? best_rate(pool, {bf16_avx512, 12 * 32 * 2}) : 0;
}

double measure_int8_ops(ThreadPool& pool) {
  const CpuInfo& cpu = cpu_info();
  if (cpu.amx_int8 && request_tile_registers()) return best_rate(pool, {int8_amx, kTileProducts * 64 * 2});
  if (cpu.avx512_vnni) return best_rate(pool, {int8_avx512, 12 * 64 * 2});
  if (cpu.avx_vnni) return best_rate(pool, {int8_avxvnni, 12 * 32 * 2});
  return cpu.avx2 ? best_rate(pool, {int8_avx2, 6 * 32 * 2}) : 0;
}

MachineLimits measure_machine(ThreadPool& pool, std::uint64_t working_set) {
  MachineLimits limits;
  limits.threads = pool.size();
  limits.read_bytes = measure_read_bytes(pool, working_set);
  limits.f32_ops = measure_f32_ops(pool);
  limits.bf16_ops = measure_bf16_ops(pool);
  limits.int8_ops = measure_int8_ops(pool);
  return limits;
}

}  // namespace swiftlet::kernels
