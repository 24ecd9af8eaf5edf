# Finds the OpenBLAS that the library is built with and refuses one that it could not call.

set(ffn_blas_advice
"Install OpenBLAS with its header:
  Debian, Ubuntu   apt install libopenblas-dev
  Fedora           dnf install openblas-devel
  Alpine           apk add openblas-dev
  Homebrew         brew install openblas
or configure with -DFFN_BLAS=none for FFN's own, slower matrix product.")

find_package(FFNOpenBLAS QUIET)
if(NOT FFNOpenBLAS_FOUND)
  message(FATAL_ERROR "FFN found no OpenBLAS (by pkg-config, OpenBLASConfig.cmake and FindBLAS) or not its cblas.h.\n"
    "${ffn_blas_advice}")
endif()

# Leaves "" if the library can be used, else what is wrong with it.
function(ffn_check_openblas problem)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_openblas.c)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/check_openblas)
  set(exit 0)
  if(CMAKE_CROSSCOMPILING)
    try_compile(FFN_OPENBLAS_LINKS ${folder} ${source} LINK_LIBRARIES ffn::openblas OUTPUT_VARIABLE output)
  else()
    try_run(FFN_OPENBLAS_EXIT FFN_OPENBLAS_LINKS ${folder} ${source} LINK_LIBRARIES ffn::openblas
      COMPILE_OUTPUT_VARIABLE output)
    set(exit "${FFN_OPENBLAS_EXIT}")
  endif()
  if(FFN_OPENBLAS_LINKS AND exit STREQUAL "0")
    set(${problem} "" PARENT_SCOPE)
    return()
  endif()
  if(exit STREQUAL "64" OR output MATCHES "FFN_BLAS_HAS_64_BIT_INTEGERS")
    set(${problem} "has 64-bit integers, and FFN calls it with 32-bit ones" PARENT_SCOPE)
  elseif(FFN_OPENBLAS_LINKS)
    set(${problem} "does not compute 2 x 3 (the test program ended with ${exit})" PARENT_SCOPE)
  else()
    set(${problem} "does not compile or link:\n${output}\n" PARENT_SCOPE)
  endif()
  unset(FFN_OPENBLAS_LINKS CACHE) # so that the next configure looks again
  unset(FFN_OPENBLAS_EXIT CACHE)
endfunction()

ffn_check_openblas(ffn_blas_problem)
if(ffn_blas_problem)
  message(FATAL_ERROR "The OpenBLAS found by ${FFNOpenBLAS_ORIGIN} (${FFNOpenBLAS_LIBRARIES}, header in "
    "${FFNOpenBLAS_INCLUDE_DIR}) ${ffn_blas_problem}.\n${ffn_blas_advice}")
endif()
message(STATUS "FFN: OpenBLAS by ${FFNOpenBLAS_ORIGIN}: ${FFNOpenBLAS_LIBRARIES}")
