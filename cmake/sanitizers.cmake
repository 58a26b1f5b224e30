# GATELIFT_SANITIZE is a list for -fsanitize=, for instance "address,undefined" or "thread".
set(GATELIFT_SANITIZE "" CACHE STRING "Sanitizers to build with")

if(GATELIFT_SANITIZE)
  add_compile_options(-fsanitize=${GATELIFT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  # GCC finds uninitialised reads in the standard library's own <regex> and <functional> once it is instrumented, and
  # says itself that the two do not go together (gcc.gnu.org, Instrumentation Options). The plain build keeps it.
  add_compile_options(-Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${GATELIFT_SANITIZE})
  if(GATELIFT_SANITIZE MATCHES "thread")
    # TSan knows no fences, and GCC refuses to compile them for it. What Asio puts around handlers only repeats what the
    # mutex of its scheduler orders already.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
