/* start.h - what is set once in a process before llama.cpp is used. Internal to src/llm/. */
#ifndef KN_LLM_START_H
#define KN_LLM_START_H

/* Starts the back end and sends llama.cpp's log to kn_log at debug. Any thread, any number of times. */
void kn_llama_start(void);

/* llama.cpp tells why it failed through its log only. The first error on this thread since forget; "" for none. */
const char *kn_llama_complaint(void);
void kn_llama_forget(void);

#endif
