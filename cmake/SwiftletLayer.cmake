# One function per layer of the architecture: swiftlet_layer(graph DEPENDS encoding kernels).
#
# Sources are every *.cpp of the folder and its named SUBDIRS; *_test.cpp go into one test program per layer,
# discovered by ctest under the layer's name. A layer links only the layers above it, so a wrong include fails
# to link as well as in tools/check_layers.py.
#
# A test whose suite or name contains "Threads" gets the label `threads` instead of the layer's; the target
# threads_tests builds the programs that have such tests (make tsan).

add_library(swiftlet_options INTERFACE)
target_compile_features(swiftlet_options INTERFACE cxx_std_20)
target_include_directories(swiftlet_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_compile_options(swiftlet_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers
                       -fno-math-errno -ffp-contract=off $<$<BOOL:${SWIFTLET_WERROR}>:-Werror>
                       # GCC 12 sees overlaps in std::string that are not there (GCC bug 105651).
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(SWIFTLET_SANITIZE)
  target_compile_options(swiftlet_options INTERFACE -fsanitize=${SWIFTLET_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(swiftlet_options INTERFACE -fsanitize=${SWIFTLET_SANITIZE})
endif()

if(SWIFTLET_TESTS)
  add_custom_target(threads_tests)
endif()

# Under a sanitizer an allocation that is too large must fail as it does without: our tests ask for that error.
if(SWIFTLET_SANITIZE MATCHES "thread")
  set(SWIFTLET_TEST_ENVIRONMENT ENVIRONMENT TSAN_OPTIONS=allocator_may_return_null=1)
elseif(SWIFTLET_SANITIZE)
  set(SWIFTLET_TEST_ENVIRONMENT ENVIRONMENT ASAN_OPTIONS=allocator_may_return_null=1)
endif()

function(swiftlet_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES;SUBDIRS;TEST_DEPENDS;TEST_LIBRARIES" ${ARGN})
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  foreach(sub IN LISTS ARG_SUBDIRS)
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/${name}/${sub}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(NOT sources)
    return()
  endif()
  add_library(swiftlet_${name} STATIC ${sources})
  target_link_libraries(swiftlet_${name} PUBLIC swiftlet_options ${ARG_LIBRARIES})
  foreach(dep IN LISTS ARG_DEPENDS)
    if(TARGET swiftlet_${dep})
      target_link_libraries(swiftlet_${name} PUBLIC swiftlet_${dep})
    endif()
  endforeach()
  if(SWIFTLET_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE swiftlet_${name} GTest::gtest GTest::gmock GTest::gtest_main
                          ${ARG_TEST_LIBRARIES})
    foreach(dep IN LISTS ARG_TEST_DEPENDS)  # a layer's tests may look below it: passes are tested by running graphs
      target_link_libraries(${name}_test PRIVATE swiftlet_${dep})
    endforeach()
    foreach(source IN LISTS tests)
      file(STRINGS ${source} threads REGEX "^TEST.*Threads" LIMIT_COUNT 1)
      if(threads)
        add_dependencies(threads_tests ${name}_test)
      endif()
      # Only where it is used: the other objects are the same in every folder, so a compiler cache serves them all.
      file(STRINGS ${source} uses REGEX "SWIFTLET_SOURCE_DIR|/text_testing\\.h|/test_samples\\.h" LIMIT_COUNT 1)
      if(uses)
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS SWIFTLET_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
      endif()
    endforeach()
    set(discover TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60)
    gtest_discover_tests(${name}_test ${discover} NO_PRETTY_VALUES TEST_FILTER "-*Threads*:*Slow*"
                         PROPERTIES LABELS ${name} ${SWIFTLET_TEST_ENVIRONMENT})
    gtest_discover_tests(${name}_test ${discover} NO_PRETTY_VALUES TEST_FILTER "*Threads*" TEST_LIST ${name}_test_THREADS
                         PROPERTIES LABELS threads ${SWIFTLET_TEST_ENVIRONMENT})
    gtest_discover_tests(${name}_test ${discover} NO_PRETTY_VALUES TEST_FILTER "*Slow*" TEST_LIST ${name}_test_SLOW
                         PROPERTIES LABELS slow TIMEOUT 600 ${SWIFTLET_TEST_ENVIRONMENT})
  endif()
endfunction()
