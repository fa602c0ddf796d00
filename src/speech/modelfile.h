/* modelfile.h - looks whether a model file is whole before whisper.cpp reads it.
 *
 * whisper.cpp 1.9.1 trusts what it reads: a file cut inside its last tensor loads with weights of
 * zero, a damaged tensor header writes past an array on the stack, a damaged number ends the
 * process in an assertion. So the file is walked first, header by header, in some milliseconds.
 * The weights themselves are skipped: only a SHA-256 could judge them (kinora models verify). */
#ifndef KN_SPEECH_MODELFILE_H
#define KN_SPEECH_MODELFILE_H

struct kn_err;

/* KN_ENOTFOUND, KN_EIO, KN_ECORRUPT; the message names the file and the remedy. languages (may be NULL): how many
 * the model knows, 1 (English), 99, or 100 from large-v3 on. */
int kn_modelfile_check_whisper(const char *path, int *languages, struct kn_err *err);
int kn_modelfile_check_silero(const char *path, struct kn_err *err);

#endif
