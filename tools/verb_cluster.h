/* ptsne cluster: groups of data by k-means, and how well each point lies in its group. */
#ifndef PTSNE_TOOLS_VERB_CLUSTER_H
#define PTSNE_TOOLS_VERB_CLUSTER_H

#include "options.h"

extern const cli_verb verb_cluster;

#endif
