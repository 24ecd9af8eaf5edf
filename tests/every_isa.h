/* For tests of what is compiled for each instruction set. */
#ifndef EVERY_ISA_H
#define EVERY_ISA_H

#include "tensor/isa.h"
#include "test.h"

/* Runs `body` once on each instruction set this machine has. */
static void on_every_isa(void (*body)(void))
{
    const ffn__isa_id usual = ffn__isa();
    for (int isa = 0; isa < FFN__ISA_COUNT; isa++)
        if (ffn__isa_force((ffn__isa_id)isa)) body();
    CU_ASSERT(ffn__isa_force(usual));
}

#endif
