// The NVIDIA GPUs of this machine. CUDA types stay behind this header; a build without CUDA links
// devices_stub.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swiftlet::kernels {

struct CudaDevice {
  std::string name;          // "NVIDIA H200"
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::uint64_t memory_bytes = 0;
};

// Whether this build was made with CUDA.
bool cuda_built();
// Empty without a driver, without a device, or in a build without CUDA. Thread-safe.
std::vector<CudaDevice> cuda_devices();

}  // namespace swiftlet::kernels
