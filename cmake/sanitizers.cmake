# GATELIFT_SANITIZE is a list for -fsanitize=, for instance "address,undefined" or "thread".
set(GATELIFT_SANITIZE "" CACHE STRING "Sanitizers to build with")

if(GATELIFT_SANITIZE)
  add_compile_options(-fsanitize=${GATELIFT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GATELIFT_SANITIZE})
endif()
