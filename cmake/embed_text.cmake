# Writes OUTPUT, a C++ source that defines `std::string_view gatelift::FUNCTION()` with the bytes of INPUT.
file(READ "${INPUT}" TEXT)
string(FIND "${TEXT}" ")gatelift\"" END)
if(NOT END EQUAL -1)
  message(FATAL_ERROR "${INPUT} holds the end of the raw string that it is put into")
endif()
file(WRITE "${OUTPUT}" "#include <string_view>

namespace gatelift {
std::string_view ${FUNCTION}();
std::string_view ${FUNCTION}() {
  return R\"gatelift(${TEXT})gatelift\";
}
}  // namespace gatelift
")
