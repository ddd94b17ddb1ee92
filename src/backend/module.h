/* Backends that live in shared libraries of their own, so that ptsne starts where their drivers are missing. */
#ifndef PT_BACKEND_MODULE_H
#define PT_BACKEND_MODULE_H

#include "backend/backend.h"

/* Open libptsne-NAME.so: from $PTSNE_MODULE_PATH (directories parted by ':') when that is set, else from beside the
 * library that this code is in, or from ptsne/ there. PTSNE_ERR_UNAVAILABLE says where it was sought, or why
 * it does not load. A module stays loaded until the process ends: drivers do not survive being unloaded. */
ptsne_status pt_module_open(const char *name, const pt_backend_module **module, ptsne_error *err);

#endif
