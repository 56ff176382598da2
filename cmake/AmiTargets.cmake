# The only ways to declare a target.
#
#   ami_library(NAME [PCH std|asio] SOURCES a.cc … [PUBLIC targets…] [PRIVATE targets…])
#   ami_executable(NAME [PCH std|asio] SOURCES … LIBRARIES …)
#   ami_test(NAME SOURCES … LIBRARIES … [TIMEOUT s] [LABELS …] [WHOLE])
#            WHOLE: one CTest case for the program, so that its tests share what is dear to start; always so
#            with the label "database"
#   ami_fuzz_target(NAME SOURCE x.cc LIBRARIES … CORPUS dir…)
#
# PCH names a precompiled header of cmake/pch that the target shares ("std" when left out; "none" for none). Tests share
# "gtest" and are compiled with -O1: what they test is compiled as users run it, and the tests themselves need not be fast.

set(AMI_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)

function(ami_pch target pch)
  if(pch STREQUAL "none" OR AMI_FUZZ)
    return()
  endif()
  if(NOT pch)
    set(pch std)
  endif()
  target_precompile_headers(${target} REUSE_FROM ami_pch_${pch})
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:ami_pch_flags>)
endfunction()

function(ami_library name)
  cmake_parse_arguments(A "" "PCH" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${AMI_WARNINGS})
  target_link_libraries(${name} PUBLIC ${A_PUBLIC} PRIVATE ${A_PRIVATE})
  ami_pch(${name} "${A_PCH}")
endfunction()

function(ami_executable name)
  cmake_parse_arguments(A "" "PCH" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${AMI_WARNINGS})
  target_link_libraries(${name} PRIVATE ${A_LIBRARIES})
  ami_pch(${name} "${A_PCH}")
endfunction()

set(AMI_TEST_ENVIRONMENT
  "AMI_SOURCE_DIR=${CMAKE_SOURCE_DIR};AMI_BIN_DIR=${CMAKE_BINARY_DIR}/bin;AMI_SAMPLES_DIR=${CMAKE_SOURCE_DIR}/../shared/samples")

# A test sees (tests/support/main.cc sets them for C++) AMI_SOURCE_DIR (the tree), AMI_BIN_DIR (built programs) and AMI_SAMPLES_DIR (samples beside
# the checkout, which may be missing: then the test skips and says so).
function(ami_test name)
  cmake_parse_arguments(A "WHOLE" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(AMI_FUZZ)
    return()
  endif()
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  if(NOT A_LABELS)
    set(A_LABELS unit)  # an empty value would shift the properties behind it
  endif()
  ami_executable(${name} PCH gtest SOURCES ${A_SOURCES} LIBRARIES ${A_LIBRARIES} ami_test_main)
  target_compile_options(${name} PRIVATE ${AMI_TEST_OPTIONS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if("database" IN_LIST A_LABELS)  # a cluster a program, not one a case
    set(A_WHOLE TRUE)
    if(A_TIMEOUT LESS 600)
      set(A_TIMEOUT 600)
    endif()
  endif()
  if(A_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "${A_LABELS}")
    return()
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
      PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "${A_LABELS}")
endfunction()

# A Python test with the same environment. Exit code 77 means skipped (samples or a tool missing).
#   ami_python_test(NAME SCRIPT x.py [TIMEOUT s] [LABELS …] [ARGS …])
function(ami_python_test name)
  cmake_parse_arguments(A "" "SCRIPT;TIMEOUT" "LABELS;ARGS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${A_SCRIPT} ${A_ARGS} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} SKIP_RETURN_CODE 77
      ENVIRONMENT "${AMI_TEST_ENVIRONMENT};PYTHONDONTWRITEBYTECODE=1" LABELS "${A_LABELS};test")
endfunction()

# Builds every fuzz target and no more.
if(AMI_FUZZ)
  add_custom_target(fuzzers)
endif()

# Under the fuzz preset: a libFuzzer program. Elsewhere: the same entry point replayed over its corpus as a test.
function(ami_fuzz_target name)
  cmake_parse_arguments(A "" "SOURCE" "LIBRARIES;CORPUS" ${ARGN})
  if(AMI_FUZZ)
    ami_executable(${name} PCH none SOURCES ${A_SOURCE} LIBRARIES ${A_LIBRARIES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
    list(JOIN A_CORPUS "\n" corpus_lines)
    file(WRITE ${CMAKE_BINARY_DIR}/tests/${name}.corpus "${corpus_lines}\n")  # tests/run --fuzz starts from these
  else()
    ami_executable(${name} PCH none SOURCES ${A_SOURCE} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc
                   LIBRARIES ${A_LIBRARIES})
    add_test(NAME ${name}_corpus COMMAND ${name} ${A_CORPUS})
    set_tests_properties(${name}_corpus PROPERTIES TIMEOUT 120 LABELS fuzz)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# Adds each child folder that has a CMakeLists.txt, in name order.
function(ami_add_children)
  file(GLOB children RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  list(SORT children)
  foreach(child ${children})
    get_filename_component(folder ${child} DIRECTORY)
    add_subdirectory(${folder})
  endforeach()
endfunction()

# As ami_add_children, for all but the named folders (which the caller added first).
function(ami_add_children_except)
  file(GLOB children RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  list(SORT children)
  foreach(child ${children})
    get_filename_component(folder ${child} DIRECTORY)
    if(NOT folder IN_LIST ARGV)
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()
