/* What the thermostats of nvt share. Each is one file and one table. */
#ifndef MDS_PROTOCOL_NVT_NVT_H
#define MDS_PROTOCOL_NVT_NVT_H

#include "protocol/motion.h"
#include "protocol/nvt/chain.h"
#include "protocol/nvt/nvt_device.h"
#include "protocol/plugin.h"

typedef struct nvt nvt;

typedef struct nvt_thermostat {
    const char *word; /* what the option `thermostat` says */
    mds_status (*init)(nvt *self);
    mds_status (*step)(nvt *self, unsigned want);
    mds_status (*step_cuda)(nvt *self, unsigned want); /* NULL in builds without CUDA */
} nvt_thermostat;

struct nvt {
    mds_protocol base;
    mds_motion motion;
    const nvt_thermostat *thermostat;
    double heat_eV;            /* given to the atoms by the thermostat so far (langevin, svr) */
    double decay;              /* exp(−γΔt) (langevin) */
    mds_noise_function *noise; /* (langevin) */
    double tau_fs;             /* relaxation time (svr) */
    nvt_chain chain;
    nvt_memory *memory; /* without host access: the numbers that change, on the device */
};

extern const nvt_thermostat nvt_langevin, nvt_svr, nvt_nose_hoover;

/* One velocity Verlet step with its force evaluation; ends with the kinetic energy observed. */
mds_status nvt_verlet(nvt *self, unsigned want);

/* Multiplies all velocities, and the observed kinetic energy with them; returns the energy added.
 */
double nvt_scale_velocities(nvt *self, double factor);

/* nvt_cuda.c, in CUDA builds: the rest of create(), and the steps. */
mds_status nvt_start_cuda(nvt *self);
mds_status nvt_langevin_step_cuda(nvt *self, unsigned want);
mds_status nvt_svr_step_cuda(nvt *self, unsigned want);
mds_status nvt_nose_hoover_step_cuda(nvt *self, unsigned want);

#endif
