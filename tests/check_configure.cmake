# Configures the library where it must refuse, or must go on without something, and looks for the sentence that says why.
# SOURCE, WORK (a folder of its own) and C_COMPILER are given.

file(REMOVE_RECURSE ${WORK})

# Configures with `options` and wants it to end with success (0) or failure (1), with `sentence` in its output.
function(expect case success sentence)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/${case} -DCMAKE_C_COMPILER=${C_COMPILER} ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " words "${output}") # CMake breaks long lines
  string(FIND "${words}" "${sentence}" at)
  if((success AND result) OR (NOT success AND NOT result) OR at EQUAL -1)
    message(SEND_ERROR "${case}: cmake ended with ${result}; \"${sentence}\" was expected in:\n${output}")
  endif()
endfunction()

set(no_tests -DFFN_BUILD_TESTS=OFF)
set(no_cunit -DCUNIT_LIBRARY=OFF)

expect(plain TRUE "Configuring done" -DFFN_BLAS=none ${no_tests})
expect(bad_blas FALSE "must be openblas or none" -DFFN_BLAS=mkl ${no_tests})
expect(no_cunit TRUE "no tests: CUnit was not found" -DFFN_BLAS=none ${no_cunit})
expect(cunit_wanted FALSE "CUnit was not found; it is in libcunit1-dev" -DFFN_BLAS=none -DFFN_BUILD_TESTS=ON ${no_cunit})
expect(no_zlib TRUE "gzip files will be refused: zlib was not found" -DFFN_BLAS=none -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON
  ${no_tests})
expect(zlib_wanted FALSE "FFN_ZLIB is ON, but zlib was not found" -DFFN_BLAS=none -DFFN_ZLIB=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON ${no_tests})

# As a part of another project FFN leaves BUILD_SHARED_LIBS to that one, also where it is declared later.
file(WRITE ${WORK}/host_project/CMakeLists.txt "cmake_minimum_required(VERSION 3.21)\nproject(host LANGUAGES C)\n"
  "add_subdirectory(\"${SOURCE}\" ffn)\noption(BUILD_SHARED_LIBS \"\" ON)\n"
  "message(STATUS \"the host has \${BUILD_SHARED_LIBS}\")\n")
set(ffn_source ${SOURCE})
set(SOURCE ${WORK}/host_project)
expect(host TRUE "the host has ON" -DFFN_BLAS=none)
set(SOURCE ${ffn_source})

# Nothing there: the sentence names packages and the way without.
expect(no_openblas FALSE "apt install libopenblas-dev" -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_OpenBLAS=ON -DCMAKE_DISABLE_FIND_PACKAGE_BLAS=ON ${no_tests})

# An OpenBLAS made for the test: a header and a library of the two functions that configure calls.
function(make_openblas folder config_header config_text)
  file(WRITE ${folder}/openblas_config.h "#define OPENBLAS_CONFIG_H\n${config_header}\n")
  file(WRITE ${folder}/cblas.h "#include \"openblas_config.h\"\n"
    "enum { CblasRowMajor, CblasNoTrans };\n"
    "void openblas_set_num_threads(int threads);\n"
    "char *openblas_get_config(void);\n"
    "void cblas_sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);\n")
  file(WRITE ${folder}/openblas.c
    "void openblas_set_num_threads(int threads) { (void)threads; }\n"
    "char *openblas_get_config(void) { return \"${config_text}\"; }\n"
    "void cblas_sgemm(int a, int b, int c, int d, int e, int f, float g, const float *h, int i, const float *j, int k,\n"
    "  float l, float *m, int n) { *m = *h * *j; }\n")
  file(WRITE ${folder}/openblas.pc "Name: openblas\nDescription: a test\nVersion: 9\n"
    "Libs: -L${folder} -lopenblas\nCflags: -I${folder}\n")
  execute_process(COMMAND ${C_COMPILER} -w -shared -fPIC ${folder}/openblas.c -o ${folder}/libopenblas.so
    COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(APPLE OR NOT PKG_CONFIG OR WORK MATCHES " ") # pkg-config's files do not like spaces
  return()
endif()
function(expect_openblas case success sentence)
  set(ENV{PKG_CONFIG_PATH} ${WORK}/${case}_openblas)
  expect(${case} ${success} "${sentence}" ${no_tests})
endfunction()
make_openblas(${WORK}/good_openblas "" "OpenBLAS 9")
make_openblas(${WORK}/header_64_openblas "#define OPENBLAS_USE64BITINT" "OpenBLAS 9 USE64BITINT")
make_openblas(${WORK}/library_64_openblas "" "OpenBLAS 9 USE64BITINT")
make_openblas(${WORK}/broken_openblas "#error broken" "OpenBLAS 9")
expect_openblas(good TRUE "OpenBLAS by pkg-config: ${WORK}/good_openblas/libopenblas.so")
expect_openblas(header_64 FALSE "has 64-bit integers")
expect_openblas(library_64 FALSE "has 64-bit integers")
expect_openblas(broken FALSE "does not compile or link")
