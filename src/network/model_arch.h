/* The network as the text "ptsne.arch" of a model file, JSON:
 *   {"input":[28,28,1],"layers":[
 *     {"kind":"conv","filters":20,"kernel":[5,5],"stride":1,"padding":"same","activation":"relu"},
 *     {"kind":"pool","kernel":[2,2],"stride":2}, {"kind":"norm","activation":"relu"}, {"kind":"dropout","rate":0.5}, {"kind":"shift"},
 *     {"kind":"linear","in":3920,"out":66,"activation":"linear"}, {"kind":"anchors","count":64,"dimensions":2}]}
 * Without "input" the rows are columns for the first layer, a linear one. */
#ifndef PT_NETWORK_MODEL_ARCH_H
#define PT_NETWORK_MODEL_ARCH_H

#include "network/net.h"

/* Released by free(); NULL when there is no room. */
char *pt_arch_text(const pt_net *net);

/* PTSNE_ERR_DATA says what is wrong with the text. */
ptsne_status pt_arch_take(const char *text, pt_net *net, ptsne_error *err);

#endif
