#include "model/model.h"

#include <string.h>

static const char *const words[MDS_PRECISION_COUNT] = {
    [MDS_PRECISION_AUTO] = "auto", [MDS_PRECISION_FP64] = "fp64",     [MDS_PRECISION_FP32] = "fp32",
    [MDS_PRECISION_TF32] = "tf32", [MDS_PRECISION_TF32X3] = "tf32x3", [MDS_PRECISION_FP16] = "fp16",
};

const char *mds_precision_name(mds_precision precision)
{
    return (unsigned)precision < MDS_PRECISION_COUNT ? words[precision] : "?";
}

mds_status mds_precision_parse(const char *word, mds_precision *out)
{
    for (int i = 0; i < MDS_PRECISION_COUNT; ++i)
        if (strcmp(words[i], word) == 0) {
            *out = (mds_precision)i;
            return MDS_OK;
        }
    return mds_fail(MDS_ERR_CONFIG,
                    "precision \"%s\" is not one of auto, fp64, fp32, tf32, tf32x3, fp16", word);
}

bool mds_precision_product(mds_precision precision, mds_real *real, mds_product *product)
{
    *real = precision == MDS_PRECISION_FP64 ? MDS_REAL_FP64 : MDS_REAL_FP32;
    *product = precision == MDS_PRECISION_TF32     ? MDS_PRODUCT_TF32
               : precision == MDS_PRECISION_TF32X3 ? MDS_PRODUCT_TF32X3
                                                   : MDS_PRODUCT_EXACT;
    return precision != MDS_PRECISION_AUTO && precision <= MDS_PRECISION_TF32X3;
}
