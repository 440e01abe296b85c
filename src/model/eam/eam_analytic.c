#include "model/eam/eam_analytic.h"

#include <math.h>
#include <string.h>

/* The cutoff and switch that make a finite model of Sutton and Chen's lattice sums are ours. */
static const struct {
    int z;
    eam_sc sc;
    double c;
} sutton_chen[] = {
    {29, {.epsilon_eV = 1.2382e-2, .a = 3.61, .on = 6.0, .off = 7.5, .n = 9}, 39.432},
    {13, {.epsilon_eV = 3.3147e-2, .a = 4.05, .on = 6.0, .off = 7.5, .n = 7}, 16.399},
};

/* Iron, erratum of 1986. */
static const eam_fs finnis_sinclair = {.d = 3.569745,
                                       .A = 1.828905,
                                       .beta = 1.8,
                                       .c = 3.40,
                                       .c0 = 1.2371147,
                                       .c1 = -0.3592185,
                                       .c2 = -0.0385607};

mds_status eam_choose_analytic(const mds_options *options, const mds_species *species, eam_job *job,
                               double *A)
{
    const char *form = mds_options_text(options, "form");
    const char *symbol = species->count ? mds_element_symbol(species->z[0]) : "nothing";
    const bool any = strcmp(form, "auto") == 0;

    if (species->count != 1)
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "eam: form '%s' is for one element, these atoms have %d; an alloy needs a "
                        "setfl `file`",
                        form, species->count);
    for (size_t i = 0; i < sizeof sutton_chen / sizeof *sutton_chen; ++i) {
        if (sutton_chen[i].z != species->z[0] || !(any || strcmp(form, "sutton-chen") == 0))
            continue;
        job->form = EAM_FORM_SC;
        job->sc = sutton_chen[i].sc;
        job->cutoff = job->sc.off;
        *A = job->sc.epsilon_eV * sutton_chen[i].c;
        return MDS_OK;
    }
    if (species->z[0] == 26 && (any || strcmp(form, "finnis-sinclair") == 0)) {
        job->form = EAM_FORM_FS;
        job->fs = finnis_sinclair;
        job->cutoff = fmax(job->fs.c, job->fs.d);
        *A = job->fs.A;
        return MDS_OK;
    }
    return mds_fail(MDS_ERR_UNSUPPORTED,
                    "eam: form '%s' has no parameters for %s (sutton-chen: Cu, Al; "
                    "finnis-sinclair: Fe; any other: a setfl `file`)",
                    form, symbol);
}
