# Decides whether there are tests: sets ffn_tests, and CUNIT_INCLUDE_DIR and CUNIT_LIBRARY.

set(ffn_tests ${FFN_BUILD_TESTS})
if(FFN_BUILD_TESTS STREQUAL "AUTO")
  set(ffn_tests ${PROJECT_IS_TOP_LEVEL})
  if(DEFINED BUILD_TESTING AND NOT BUILD_TESTING)
    set(ffn_tests OFF)
  endif()
endif()

if(ffn_tests)
  find_path(CUNIT_INCLUDE_DIR CUnit/Basic.h)
  find_library(CUNIT_LIBRARY cunit)
  mark_as_advanced(CUNIT_INCLUDE_DIR CUNIT_LIBRARY)
  if(NOT CUNIT_INCLUDE_DIR OR NOT CUNIT_LIBRARY)
    set(ffn_cunit_advice "CUnit was not found; it is in libcunit1-dev (Debian, Ubuntu), CUnit-devel (Fedora), \
cunit-dev (Alpine), cunit (Homebrew).")
    if(NOT FFN_BUILD_TESTS STREQUAL "AUTO")
      message(FATAL_ERROR "FFN's tests are asked for (FFN_BUILD_TESTS), but ${ffn_cunit_advice}")
    endif()
    message(STATUS "FFN: no tests: ${ffn_cunit_advice}")
    set(ffn_tests OFF)
  endif()
endif()
