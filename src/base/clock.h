/* Time as people wait for it. */
#ifndef PT_BASE_CLOCK_H
#define PT_BASE_CLOCK_H

/* Seconds of a monotonic clock. */
double pt_seconds(void);

#endif
