/* For the files below protocol/ only: what the protocols share in making themselves and in closing
 * a step. */
#ifndef MDS_PROTOCOL_PLUGIN_H
#define MDS_PROTOCOL_PLUGIN_H

#include "protocol/motion.h"
#include "protocol/protocol.h"

/* A zeroed object of `size` bytes that begins with an mds_protocol, with that member filled. */
mds_status mds_protocol_new(size_t size, const mds_protocol_spec *spec,
                            const mds_protocol_config *config, mds_state *state, mds_model *model,
                            mds_protocol **out);

/* With host access: kinetic energy and tensor of the velocities into state->s; returns the energy.
 */
double mds_protocol_observe(mds_protocol *protocol);

/* The end of create(): kinetic energy and tensor into state->s, and as conserved quantity the total
 * energy, wherever the state is. */
mds_status mds_protocol_start(mds_protocol *protocol, const mds_motion *motion);

/* The observed kinetic energy and tensor after all velocities were multiplied by `factor`; returns
 * the energy added. */
double mds_protocol_scale_kinetic(mds_protocol *protocol, double factor);

/* For protocol.c: a step through class->step_cuda, recorded as a graph as soon as it can be, and
 * the end of those graphs. */
mds_status mds_protocol_step_cuda(mds_protocol *protocol, unsigned want);
void mds_protocol_forget_graphs(mds_protocol *protocol);

/* Potential plus kinetic energy of state->s. */
static inline double mds_protocol_total_eV(const mds_protocol *protocol)
{
    return protocol->state->s->potential_eV + protocol->state->s->kinetic_eV;
}

#endif
