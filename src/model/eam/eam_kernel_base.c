#define EAM_VARIANT(name) name##_base
#include "model/eam/eam_kernel_body.h"
