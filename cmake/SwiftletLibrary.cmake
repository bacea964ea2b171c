# libswiftlet, the shared library that other programs link, and what `cmake --install` puts where.
#
#   find_package(swiftlet REQUIRED)
#   target_link_libraries(program PRIVATE swiftlet::swiftlet)
#
# It is linked from the same objects as the command line, which stays one program that needs no library of ours.
# Only what include/swiftlet/ marks SWIFTLET_API leaves it (tests/library/ checks), and none of the libraries that it
# uses shows in its headers, so a program that links it needs neither their headers nor their CMake packages.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(swiftlet_library)
  add_library(libswiftlet SHARED $<TARGET_OBJECTS:swiftlet_api>)
  add_library(swiftlet::swiftlet ALIAS libswiftlet)
  set(map ${PROJECT_SOURCE_DIR}/cmake/libswiftlet.map)
  # Before 1.0 a minor release may change the interface.
  set_target_properties(libswiftlet PROPERTIES
    OUTPUT_NAME swiftlet EXPORT_NAME swiftlet LINK_DEPENDS ${map}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  target_compile_features(libswiftlet INTERFACE cxx_std_20)
  target_include_directories(libswiftlet INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(libswiftlet PRIVATE swiftlet_api)
  target_link_options(libswiftlet PRIVATE -Wl,--version-script=${map})

  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/swiftlet)
  install(TARGETS libswiftlet EXPORT swiftlet LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT swiftlet NAMESPACE swiftlet:: FILE swiftletConfig.cmake DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/swiftletConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/swiftletConfigVersion.cmake DESTINATION ${package})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/swiftlet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/assets/stories-7m ${PROJECT_SOURCE_DIR}/assets/stories260K
          DESTINATION ${CMAKE_INSTALL_DATADIR}/swiftlet)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
