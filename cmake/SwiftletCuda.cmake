# With SWIFTLET_CUDA the files kernels/cuda/*.cu are built (Ampere and Hopper); without it the stubs beside them are.
function(swiftlet_cuda)
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/kernels/cuda)
  if(NOT SWIFTLET_CUDA)
    file(GLOB stubs CONFIGURE_DEPENDS ${folder}/*_stub.cpp)
    target_sources(swiftlet_kernels PRIVATE ${stubs})
    return()
  endif()
  find_package(CUDAToolkit REQUIRED)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cu)
  # A library of its own: the warnings of swiftlet_options are not nvcc's.
  add_library(swiftlet_cuda STATIC ${sources})
  # Spelled out: older CMake does not know what standards a newer nvcc has.
  target_compile_options(swiftlet_cuda PRIVATE -std=c++20)
  target_include_directories(swiftlet_cuda PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(swiftlet_cuda PUBLIC CUDA::cudart_static)
  target_link_libraries(swiftlet_kernels PUBLIC swiftlet_cuda)
endfunction()
