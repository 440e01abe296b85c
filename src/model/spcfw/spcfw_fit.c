#include "model/spcfw/spcfw_fit.h"

enum { TERMS_MAX = 16 };

typedef double (*smooth)(double alpha, double s);

/* Interpolates f at the Chebyshev points of [0, rc²], as a sum of T_n(t) with t = 2 s/rc² − 1, and
 * rewrites that as powers of s. The powers cancel by about exp(α²rc²) = 25 at the upper end: of 16
 * digits, more than 14 are left, where the fit needs 12. */
static void interpolate(smooth f, const spcfw_dsf *dsf, int terms, double *power)
{
    const long double rc2 = (long double)dsf->cutoff * dsf->cutoff;
    long double sum[TERMS_MAX] = {0}, now[TERMS_MAX] = {1.0L}, before[TERMS_MAX] = {0};

    for (int n = 0; n < terms; ++n) { /* now: T_n in powers of s, lowest first */
        long double chebyshev = 0.0L, next[TERMS_MAX];
        const long double twice = n ? 2.0L : 1.0L;

        for (int k = 0; k < terms; ++k) {
            const double angle = MDS_PI * (k + 0.5) / terms;

            chebyshev += f(dsf->alpha, 0.5 * (1.0 + cos(angle)) * (double)rc2) * cos(n * angle);
        }
        for (int i = 0; i < terms; ++i)
            sum[i] += twice / terms * chebyshev * now[i];
        for (int i = 0; i < terms; ++i) { /* T_(n+1) = 2 t T_n − T_(n−1), but T_1 = t */
            next[i] = twice * ((i ? 2.0L / rc2 * now[i - 1] : 0.0L) - now[i]) - before[i];
            before[i] = now[i];
        }
        for (int i = 0; i < terms; ++i)
            now[i] = next[i];
    }
    for (int i = 0; i < terms; ++i)
        power[terms - 1 - i] = (double)sum[i];
}

static double horner(const double *power, int terms, double s)
{
    double sum = power[0];

    for (int i = 1; i < terms; ++i)
        sum = sum * s + power[i];
    return sum;
}

static double worst(smooth f, const spcfw_dsf *dsf, int terms, const double *power)
{
    enum { POINTS = 2000 };
    double error = 0.0;

    for (int k = 0; k <= POINTS; ++k) {
        const double s = dsf->cutoff * dsf->cutoff * k / POINTS;
        const double miss = fabs(horner(power, terms, s) - f(dsf->alpha, s));

        error = miss > error ? miss : error;
    }
    return error;
}

mds_status spcfw_fit_make(const spcfw_dsf *dsf, spcfw_fit *out)
{
    interpolate(spcfw_screen, dsf, SPCFW_P_TERMS, out->p);
    interpolate(spcfw_screen_slope, dsf, SPCFW_Q_TERMS, out->q);
    out->p_error = worst(spcfw_screen, dsf, SPCFW_P_TERMS, out->p);
    out->q_error = worst(spcfw_screen_slope, dsf, SPCFW_Q_TERMS, out->q);
    out->p[SPCFW_P_TERMS - 1] += dsf->energy_shift;
    /* 1e-11 keeps a molecule's energy and forces within 1e-9 with 300 pairs per atom. */
    if (!(out->p_error < 1e-11) || !(out->q_error < 1e-11))
        return mds_fail(MDS_ERR_CONFIG,
                        "spcfw: alpha * cutoff = %.3g is too large for its polynomials; at most "
                        "about 2 works (preset 0.2 / Å * 9 Å = 1.8)",
                        dsf->alpha * dsf->cutoff);
    return MDS_OK;
}

spcfw_pair spcfw_fit_coulomb(const spcfw_fit *fit, const spcfw_dsf *dsf, double s)
{
    const double y = 1.0 / sqrt(s);
    spcfw_pair pair;

    pair.energy = y * (1.0 - dsf->force_shift * s) - horner(fit->p, SPCFW_P_TERMS, s);
    pair.force_over_r = y * (y * y + dsf->force_shift) - horner(fit->q, SPCFW_Q_TERMS, s);
    return pair;
}
