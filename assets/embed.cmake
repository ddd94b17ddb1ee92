# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DNAME=pt_font_sans -P embed.cmake: a file's bytes as a C array NAME and its NAME_size.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
get_filename_component(input "${INPUT}" NAME)
file(WRITE "${OUTPUT}.new" "/* ${input}, made by assets/embed.cmake */
#include <stddef.h>
extern const unsigned char ${NAME}[];
extern const size_t ${NAME}_size;
const unsigned char ${NAME}[] = {
${bytes}
};
const size_t ${NAME}_size = sizeof ${NAME};
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
