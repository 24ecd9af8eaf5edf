# Installs the build in folder BUILD, moves what was installed to PREFIX, and looks for anything that would keep it from
# being moved: the tests of the consumers then use it from there.

set(first ${PREFIX}.first)
file(REMOVE_RECURSE ${first} ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${first}
  RESULT_VARIABLE result OUTPUT_QUIET)
if(result)
  message(FATAL_ERROR "cmake --install ended with ${result}.")
endif()
file(RENAME ${first} ${PREFIX})

file(GLOB_RECURSE texts ${PREFIX}/*.cmake ${PREFIX}/*.pc ${PREFIX}/*.h)
list(LENGTH texts count)
if(count LESS 5)
  message(FATAL_ERROR "Only these files were installed: ${texts}")
endif()
foreach(text ${texts})
  file(READ ${text} content)
  foreach(folder ${first} ${BUILD} ${SOURCE})
    string(FIND "${content}" "${folder}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${text} names the folder ${folder}, so that the installation cannot be moved.")
    endif()
  endforeach()
endforeach()
