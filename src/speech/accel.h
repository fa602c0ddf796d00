/* accel.h - lends ggml the faster operations of bf16.h.
 *
 * A backend of type ACCEL, as ggml's BLAS is one: whisper.cpp gives its graphs to every such backend
 * first, and the processor's own computes what they do not take. This one takes matrix products
 * and attention over at least 32 positions, and GELU: the encoder. The decoder's products of one or five rows
 * wait for memory, not for arithmetic, and stay where quantised weights are read as they are.
 *
 * Only whisper.cpp's work is taken. Embeddings come from llama.cpp over the same ggml, and are to
 * stay what they are: llama.cpp names its tensors, whisper.cpp does not, which tells them apart; its attention always
 * has a mask, and that with a mask is not taken.
 *
 * On processors with AMX, and a ggml built for it, q8_0 weights lie in ggml's AMX buffer, in an order of its own: their
 * products stay with ggml's AMX kernels, and only attention and GELU are taken. */
#ifndef KN_SPEECH_ACCEL_H
#define KN_SPEECH_ACCEL_H

/* Joins ggml's list of devices, for the whole process, where the processor can; otherwise (always where it is not
 * x86-64) nothing happens, and ggml computes all. Once, before any model is loaded: the list has no lock. */
void kn_accel_join(void);

#endif
