# The one list of warnings. gatelift::warnings is linked by every target of ours and by nothing else.
option(GATELIFT_WERROR "Treat warnings as errors" OFF)

add_library(gatelift_warnings INTERFACE)
add_library(gatelift::warnings ALIAS gatelift_warnings)
target_compile_options(gatelift_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wnon-virtual-dtor
  $<$<BOOL:${GATELIFT_WERROR}>:-Werror>)
