# jansson, which reads the JSON in model files, as the imported target ffn::jansson.
#
# This file is also installed beside ffnConfig.cmake: who links the static library needs jansson too, and finds it the same
# way, wherever it is on that machine.
#
# Sets FFNJansson_FOUND, FFNJansson_LIBRARY and FFNJansson_INCLUDE_DIR.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(FFN_PC_JANSSON QUIET jansson)
endif()
find_path(FFNJansson_INCLUDE_DIR jansson.h HINTS ${FFN_PC_JANSSON_INCLUDE_DIRS} ${FFN_PC_JANSSON_INCLUDEDIR})
find_library(FFNJansson_LIBRARY jansson HINTS ${FFN_PC_JANSSON_LIBRARY_DIRS} ${FFN_PC_JANSSON_LIBDIR})
mark_as_advanced(FFNJansson_INCLUDE_DIR FFNJansson_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FFNJansson REQUIRED_VARS FFNJansson_LIBRARY FFNJansson_INCLUDE_DIR REASON_FAILURE_MESSAGE
  "It is in libjansson-dev (Debian, Ubuntu), jansson-devel (Fedora), jansson-dev (Alpine), jansson (Homebrew).")

if(FFNJansson_FOUND AND NOT TARGET ffn::jansson)
  add_library(ffn::jansson INTERFACE IMPORTED GLOBAL)
  set_target_properties(ffn::jansson PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${FFNJansson_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${FFNJansson_LIBRARY}")
endif()
