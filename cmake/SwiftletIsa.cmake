# Compiler flags of the instruction-set folders of kernels/. All else is compiled for baseline x86-64.
#
# A file named *_bf16.cpp in avx512/ or amx/ may use the BF16 dot products, which not every AVX-512 machine has (every one
# with AMX has). A file named *_evex.cpp in avxvnni/ has the instructions of that folder in their AVX-512 encoding.

function(swiftlet_isa_flags folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/${folder}/*.cpp)
  list(FILTER files EXCLUDE REGEX "_(test|evex)\\.cpp$")
  if(files)
    set_property(SOURCE ${files} APPEND PROPERTY COMPILE_OPTIONS ${ARGN})
  endif()
endfunction()

# g++ warns of vector types as template arguments (nothing is lost: these templates stay within their file), and
# g++ 12 takes the undefined registers of its own intrinsics for a fault.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(SWIFTLET_ISA_WARNINGS -Wno-ignored-attributes -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
# Kernels throw nothing; without exceptions clang leaves no copy of its terminate handler in these objects either.
set(SWIFTLET_AVX2_FLAGS -fno-exceptions -mavx2 -mfma -mf16c ${SWIFTLET_ISA_WARNINGS})
set(SWIFTLET_AVX512_FLAGS ${SWIFTLET_AVX2_FLAGS} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni
    -mprefer-vector-width=512)
swiftlet_isa_flags(avx2 ${SWIFTLET_AVX2_FLAGS})
swiftlet_isa_flags(avxvnni ${SWIFTLET_AVX2_FLAGS} -mavxvnni)
swiftlet_isa_flags(avx512 ${SWIFTLET_AVX512_FLAGS})
swiftlet_isa_flags(amx ${SWIFTLET_AVX512_FLAGS} -mamx-tile -mamx-int8 -mamx-bf16)
file(GLOB bf16_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/avx512/*_bf16.cpp
     ${CMAKE_CURRENT_SOURCE_DIR}/kernels/amx/*_bf16.cpp)
if(bf16_files)
  set_property(SOURCE ${bf16_files} APPEND PROPERTY COMPILE_OPTIONS -mavx512bf16)
endif()
file(GLOB evex_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/avxvnni/*_evex.cpp)
set_property(SOURCE ${evex_files} APPEND PROPERTY COMPILE_OPTIONS ${SWIFTLET_AVX2_FLAGS}
             -mavx512f -mavx512vl -mavx512vnni -mprefer-vector-width=256)
