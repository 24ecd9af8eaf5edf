# OpenBLAS, as the imported target ffn::openblas: looked for with pkg-config, then by OpenBLAS's own config file, then by
# FindBLAS with the header beside it. Between them these cover Debian, Fedora, Alpine and Homebrew.
#
# This file is also installed beside ffnConfig.cmake: who links the static library needs OpenBLAS too, and finds it the
# same way, wherever it is on that machine.
#
# Sets FFNOpenBLAS_FOUND, FFNOpenBLAS_LIBRARIES, FFNOpenBLAS_INCLUDE_DIR and FFNOpenBLAS_ORIGIN (which way found it).

if(APPLE) # Homebrew keeps OpenBLAS out of its common folders, since macOS has a BLAS of its own
  set(_ffn_prefix_path "${CMAKE_PREFIX_PATH}")
  list(APPEND CMAKE_PREFIX_PATH /opt/homebrew/opt/openblas /usr/local/opt/openblas)
endif()

set(FFNOpenBLAS_LIBRARIES "")
set(FFNOpenBLAS_ORIGIN "")
set(_ffn_hints "")

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(FFN_PC_OPENBLAS QUIET openblas)
  if(FFN_PC_OPENBLAS_FOUND)
    set(FFNOpenBLAS_LIBRARIES "${FFN_PC_OPENBLAS_LINK_LIBRARIES}")
    if(FFNOpenBLAS_LIBRARIES MATCHES "\\.a(;|$)") # a static OpenBLAS brings nothing of what it needs itself
      list(APPEND FFNOpenBLAS_LIBRARIES ${FFN_PC_OPENBLAS_STATIC_LIBRARIES})
      list(REMOVE_ITEM FFNOpenBLAS_LIBRARIES openblas)
    endif()
    set(_ffn_hints ${FFN_PC_OPENBLAS_INCLUDE_DIRS} ${FFN_PC_OPENBLAS_INCLUDEDIR})
    set(FFNOpenBLAS_ORIGIN "pkg-config")
  endif()
endif()

if(NOT FFNOpenBLAS_LIBRARIES)
  find_package(OpenBLAS CONFIG QUIET)
  if(TARGET OpenBLAS::OpenBLAS)
    set(FFNOpenBLAS_LIBRARIES OpenBLAS::OpenBLAS)
  else()
    set(FFNOpenBLAS_LIBRARIES ${OpenBLAS_LIBRARIES})
  endif()
  if(FFNOpenBLAS_LIBRARIES)
    set(_ffn_hints ${OpenBLAS_INCLUDE_DIRS})
    set(FFNOpenBLAS_ORIGIN "OpenBLASConfig.cmake")
  endif()
endif()

# A function, so that a project that finds FFN keeps its own BLA_VENDOR and BLA_SIZEOF_INTEGER.
function(_ffn_find_blas)
  set(BLA_VENDOR OpenBLAS)
  set(BLA_SIZEOF_INTEGER 4)
  find_package(BLAS QUIET)
  if(BLAS_FOUND)
    set(FFNOpenBLAS_LIBRARIES ${BLAS_LIBRARIES} PARENT_SCOPE)
    set(FFNOpenBLAS_ORIGIN "FindBLAS" PARENT_SCOPE)
  endif()
endfunction()
if(NOT FFNOpenBLAS_LIBRARIES)
  _ffn_find_blas()
endif()

find_path(FFNOpenBLAS_INCLUDE_DIR cblas.h HINTS ${_ffn_hints} PATH_SUFFIXES openblas openblas-pthread)
mark_as_advanced(FFNOpenBLAS_INCLUDE_DIR)
if(APPLE)
  set(CMAKE_PREFIX_PATH "${_ffn_prefix_path}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FFNOpenBLAS REQUIRED_VARS FFNOpenBLAS_LIBRARIES FFNOpenBLAS_INCLUDE_DIR)

if(FFNOpenBLAS_FOUND AND NOT TARGET ffn::openblas)
  add_library(ffn::openblas INTERFACE IMPORTED GLOBAL)
  set_target_properties(ffn::openblas PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${FFNOpenBLAS_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${FFNOpenBLAS_LIBRARIES}")
endif()
