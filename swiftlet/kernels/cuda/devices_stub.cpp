// Stands in for devices.cu in a build without CUDA.
#include "swiftlet/kernels/cuda/devices.h"

namespace swiftlet::kernels {

bool cuda_built() {
  return false;
}
std::vector<CudaDevice> cuda_devices() {
  return {};
}

}  // namespace swiftlet::kernels
