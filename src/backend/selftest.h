/* Whether a backend from a module computes what the cpu backend computes: every op on small shapes. Drivers and tuned kernels
 * have been wrong for single devices, and a wrong map looks like a map. */
#ifndef PT_BACKEND_SELFTEST_H
#define PT_BACKEND_SELFTEST_H

#include "backend/backend.h"

/* PTSNE_ERR_DEVICE names the first op that differs, the values and the entry. PTSNE_NO_SELFTEST=1 makes it succeed at once. */
ptsne_status pt_selftest(pt_backend *be, ptsne_error *err);

#endif
