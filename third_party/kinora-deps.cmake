# The imported target `kinora_ggml`: llama.h, whisper.h and ggml's headers with the static libraries behind them.
# Installed to build/deps/kinora-deps.cmake by `make deps`; include() it.
if(TARGET kinora_ggml)
  return()
endif()

find_package(Threads REQUIRED)
add_library(kinora_ggml INTERFACE IMPORTED)
target_include_directories(kinora_ggml SYSTEM INTERFACE "${CMAKE_CURRENT_LIST_DIR}/include")

# The order is the dependency order; each archive uses only those after it.
foreach(library whisper llama ggml ggml-cpu ggml-base)
  target_link_libraries(kinora_ggml INTERFACE "${CMAKE_CURRENT_LIST_DIR}/lib/lib${library}.a")
endforeach()
target_link_libraries(kinora_ggml INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m stdc++)
