#include "base/limits.h"

ptsne_status pt_limits_check(const pt_limit *limits, size_t count, ptsne_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const pt_limit *l = &limits[i];
        if (l->value >= l->least && (l->below ? l->value < l->most : l->value <= l->most)) { continue; }
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s is %g, but has to be from %g to %s%g", l->name, l->value, l->least,
                       l->below ? "below " : "", l->most);
    }
    return PTSNE_OK;
}
