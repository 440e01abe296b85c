/* Runs one case in this process: build and equilibrate → model and protocol → first step → warm-up
 * → steady steps → component pass. Everything measured goes into `samples`; nothing is written
 * elsewhere. */
#ifndef MDS_CASE_RUNNER_H
#define MDS_CASE_RUNNER_H

#include "case/samples.h"
#include "case/study.h"

/* Start states by (system, size, temperature, seed), kept so that the protocols, models and repeats
 * of one size share the equilibration. One per worker. */
typedef struct mds_start_cache mds_start_cache;
mds_status mds_start_cache_create(int entries, mds_start_cache **out);
void mds_start_cache_destroy(mds_start_cache *cache); /* accepts NULL */

/* The thermal start state of the case: the same on every rank and in every order, because it
 * depends on the study's seed, system, size and temperature alone. `out` uninitialised. `beat`
 * (with `context`) is called every few steps so that a watchdog sees progress; may be NULL. */
mds_status mds_start_state(mds_start_cache *cache, const mds_study *study, const mds_case *point,
                           void (*beat)(void *context), void *context, mds_structure *out);

/* `device` names the device to run on ("cpu", "sim", "cuda:0"); the caller has resolved "auto".
 * The status and message are also left in samples->header. */
mds_status mds_case_run(const mds_study *study, const mds_case *point, int case_index, int attempt,
                        const char *device, mds_start_cache *cache, mds_samples *samples);

#endif
