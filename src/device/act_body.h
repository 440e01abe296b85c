/* The formulas of act_math.h in one precision; the including file defines REAL, NAME(x) and the
 * functions of that precision. Every kind is written so that it neither overflows nor gives NaN for
 * a finite argument, and keeps NaN. */

static inline MDS_HD REAL NAME(mds_act_value)(mds_act_kind kind, REAL a, REAL z)
{
    switch (kind) {
    case MDS_ACT_CELU:
        return z > 0 ? z : a * EXPM1(z / a);
    case MDS_ACT_SILU:
        return z / (1 + EXP(-z));
    case MDS_ACT_GELU:
        return (REAL)0.5 * z * ERFC(-z * (REAL)0.70710678118654752440);
    case MDS_ACT_SSP:
        return (z > 20 ? z : LOG1P(EXP(z))) - (REAL)0.69314718055994530942;
    default:
        return z;
    }
}

static inline MDS_HD REAL NAME(mds_act_slope)(mds_act_kind kind, REAL a, REAL z, REAL y)
{
    switch (kind) {
    case MDS_ACT_CELU: /* e^{z/a} = 1 + y/a where y ≤ 0 */
        return y > 0 ? 1 : 1 + y / a;
    case MDS_ACT_SILU: {
        /* 1 − s = e·s without cancellation; e is held where e·s is no ∞·0, and s is 0 to any
         * precision there. */
        const REAL e = EXP(z < -80 ? (REAL)80 : -z), s = 1 / (1 + e);

        return s * (1 + z * (e * s));
    }
    case MDS_ACT_GELU:
        return (REAL)0.5 * ERFC(-z * (REAL)0.70710678118654752440) +
               z * (REAL)0.39894228040143267794 * EXP((REAL)-0.5 * z * z);
    case MDS_ACT_SSP:
        return 1 / (1 + EXP(-z));
    default:
        return 1;
    }
}
