/* What a device can do at best, measured: against it stand the rates that components reach. */
#ifndef MDS_DEVICE_PEAK_H
#define MDS_DEVICE_PEAK_H

#include "device/ops.h"

typedef struct mds_peak {
    double flop_s;  /* operations per second of a large product of square matrices */
    double bytes_s; /* bytes read and written per second in a copy larger than caches */
} mds_peak;

/* The best of a few repetitions, in some 50 ms: `threads` at a time on a device of the host, as the
 * engines' loops use it (each has a product of its own, and a part of the copy); on others 1 is
 * meant. Takes some 130 MB of the device meanwhile; with less there MDS_ERR_NOMEM. Waits for the
 * device. Not beside other work. */
mds_status mds_peak_measure(mds_device *device, mds_real real, mds_product product, int threads,
                            mds_peak *out);

#endif
