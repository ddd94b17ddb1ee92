#include "ptsne.h"

#include <stdlib.h>

const char *ptsne_version(void)
{
    return PTSNE_VERSION;
}

const char *ptsne_build_info(void)
{
    return "matrix products: "
#if PTSNE_HAVE_ONEDNN
           "oneDNN"
#else
           "built in (oneDNN was not found at build time)"
#endif
           "\nOpenCL: "
#if PTSNE_HAVE_OPENCL
           "module"
#else
           "not built in (needs the OpenCL loader and CLBlast)"
#endif
           "\npictures: "
#if PTSNE_HAVE_RENDER
           "ptsne-render\n";
#else
           "not built in (needs libpng, cairo and freetype)\n";
#endif
}

void ptsne_free(void *memory)
{
    free(memory);
}
