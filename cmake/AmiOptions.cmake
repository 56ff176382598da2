# Language level, warnings, sanitizers, compiler cache: one place for all targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")  # asserts stay on: a wrong number must stop, not travel

set(AMI_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
option(AMI_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

set(AMI_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
    -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees these where there are none: in std::string operator+ at -O2, and in coroutine frames that Asio allocates.
  list(APPEND AMI_WARNINGS -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-mismatched-new-delete)
  if(AMI_SANITIZE)  # in instrumented code it takes what Boost.Optional guards for uninitialised
    list(APPEND AMI_WARNINGS -Wno-maybe-uninitialized)
  endif()
endif()

if(AMI_SANITIZE)
  add_compile_options(-fsanitize=${AMI_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${AMI_SANITIZE})
endif()
if(AMI_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(AMI_CCACHE ccache)
if(AMI_CCACHE)
  # The sloppiness settings are the ones that ccache documents as needed for precompiled headers. With the base folder a
  # clone elsewhere finds what another one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${AMI_CCACHE})
endif()
find_program(AMI_LLD ld.lld)
if(AMI_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=lld)
endif()
