/*
 * A stand-in for libnvidia-ml.so.1 that says what a text file says (FAKE_NVML_STATE, given when it is compiled; read
 * again whenever it changes). Layouts and codes follow nvml.h, written here a second time on purpose: where the agent's offsets are wrong,
 * the tests fail.
 *
 * The file has one `key value` a line. Lines before the first `gpu` are of the whole machine:
 *   init N        what nvmlInit_v2 returns          generation N  another number is a driver loaded anew
 *   live 1        GPUs come and go in an open session; else they are listed at init, as the real library does
 *   code FN N     FN returns N for every GPU        hang FN       FN does not return while the line is there
 * Each `gpu` line starts a GPU. A value `!N` makes the function return N; a key that is absent is NOT_SUPPORTED, and
 * `all !N` is for every key that is not among those that identify a GPU.
 *
 * Compiled with -DOLD_DRIVER it lacks what drivers before R510 lack.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int ret;
typedef unsigned int u32;
typedef unsigned long long u64;
enum {
  OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
  TIMEOUT = 10, GPU_IS_LOST = 15, OUT_OF_MEMORY = 20, VERSION_MISMATCH = 25
};
#define VERSION(type, version) ((u32)(sizeof(type) | ((version) << 24U)))

enum { MAX_GPUS = 64, MAX_PAIRS = 96, MAX_HANDLES = 256 };
typedef struct { char key[32]; char value[160]; } pair;
typedef struct { int count; pair pairs[MAX_PAIRS]; } block;
/* A device is a GPU by name, or one of its MIG instances. */
typedef struct nvmlDevice_st { char uuid[64]; int mig; } handle;
typedef handle *device;

static block machine, gpus[MAX_GPUS];
static int gpu_count;
static struct timespec read_at;
static ino_t read_inode;
static char listed[MAX_GPUS][64];
static int listed_count, users;
static u64 opened_generation;
static handle handles[MAX_HANDLES];
static int handle_count;

static const char *find(const block *in, const char *key) {
  for (int i = 0; i < in->count; i++)
    if (strcmp(in->pairs[i].key, key) == 0) return in->pairs[i].value;
  return NULL;
}

static u64 machine_number(const char *key) {
  const char *value = find(&machine, key);
  return value == NULL ? 0 : strtoull(value, NULL, 0);
}

static void load(void) {
  struct stat now;
  if (stat(FAKE_NVML_STATE, &now) != 0) return;
  if (now.st_ino == read_inode && memcmp(&now.st_mtim, &read_at, sizeof read_at) == 0) return;
  FILE *file = fopen(FAKE_NVML_STATE, "r");
  if (file == NULL) return;
  read_inode = now.st_ino;
  read_at = now.st_mtim;
  memset(&machine, 0, sizeof machine);
  memset(gpus, 0, sizeof gpus);
  gpu_count = 0;
  block *into = &machine;
  char line[256];
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, "gpu") == 0) {
      if (gpu_count < MAX_GPUS) into = &gpus[gpu_count++];
      continue;
    }
    char *space = strchr(line, ' ');
    if (space == NULL || into->count >= MAX_PAIRS) continue;
    *space = 0;
    pair *p = &into->pairs[into->count++];
    strncpy(p->key, line, sizeof p->key - 1);
    strncpy(p->value, space + 1, sizeof p->value - 1);
  }
  fclose(file);
}

/* What stands in front of every answer: a hang, a session gone stale, a code for the whole function. */
static ret enter(const char *fn) {
  for (;;) {
    load();
    const char *hung = NULL;
    for (int i = 0; i < machine.count; i++)
      if (strcmp(machine.pairs[i].key, "hang") == 0 && strcmp(machine.pairs[i].value, fn) == 0) hung = fn;
    if (hung == NULL) break;
    usleep(5000);
  }
  if (strcmp(fn, "nvmlInit_v2") != 0 && (users == 0 || opened_generation != machine_number("generation")))
    return UNINITIALIZED;
  for (int i = 0; i < machine.count; i++) {
    if (strcmp(machine.pairs[i].key, "code") != 0) continue;
    char name[96];
    int code;
    if (sscanf(machine.pairs[i].value, "%95s %d", name, &code) == 2 && strcmp(name, fn) == 0) return code;
  }
  return OK;
}

static block *gpu_named(const char *uuid) {
  for (int i = 0; i < gpu_count; i++) {
    const char *value = find(&gpus[i], "uuid");
    if (value != NULL && strcmp(value, uuid) == 0) return &gpus[i];
  }
  return NULL;
}

static int identifies(const char *key) {
  static const char *const keys[] = {"uuid", "bus", "pci_id", "name", "serial", "brand", "architecture", "pdi", "vbios", "board_part", "inforom"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(keys[i], key) == 0) return 1;
  return 0;
}

/* The N of `!N`; what is no such number must not pass for success. */
static ret code_in(const char *text) {
  int code = atoi(text + 1);
  return code == OK ? 999 : code;
}

/* The value of a key, or the code to return in its place. */
static ret ask(device d, const char *fn, const char *key, const char **value) {
  ret code = enter(fn);
  if (code != OK) return code;
  if (d == NULL) return INVALID_ARGUMENT;
  block *gpu = gpu_named(d->uuid);
  if (gpu == NULL) return GPU_IS_LOST;
  const char *all = identifies(key) ? NULL : find(gpu, "all");
  const char *found = all != NULL ? all : find(gpu, key);
  if (found == NULL) return NOT_SUPPORTED;
  if (found[0] == '!') return code_in(found);
  *value = found;
  return OK;
}

static ret ask_number(device d, const char *fn, const char *key, u64 *number) {
  const char *value;
  ret code = ask(d, fn, key, &value);
  if (code == OK) *number = strtoull(value, NULL, 0);
  return code;
}

static ret ask_u32(device d, const char *fn, const char *key, u32 *number) {
  u64 value;
  ret code = ask_number(d, fn, key, &value);
  if (code == OK) *number = (u32)value;
  return code;
}

static ret ask_text(device d, const char *fn, const char *key, char *text, u32 length) {
  const char *value;
  ret code = ask(d, fn, key, &value);
  if (code != OK) return code;
  if (strlen(value) >= length) return INSUFFICIENT_SIZE;
  strcpy(text, value);
  return OK;
}

static device handle_for(const char *uuid, int mig) {
  for (int i = 0; i < handle_count; i++)
    if (strcmp(handles[i].uuid, uuid) == 0 && handles[i].mig == mig) return &handles[i];
  if (handle_count == MAX_HANDLES) return NULL;
  device made = &handles[handle_count++];
  snprintf(made->uuid, sizeof made->uuid, "%s", uuid);
  made->mig = mig;
  return made;
}

#define TEXT(fn, key) \
  ret fn(device d, char *text, u32 length) { return ask_text(d, #fn, key, text, length); }
#define NUMBER(fn, key) \
  ret fn(device d, u32 *number) { return ask_u32(d, #fn, key, number); }
#define NUMBER_OF(fn, key, of) \
  ret fn(device d, u32 kind, u32 *number) { return kind == (of) ? ask_u32(d, #fn, key, number) : NOT_SUPPORTED; }

static void list(void) {
  listed_count = 0;
  for (int i = 0; i < gpu_count; i++) {
    const char *uuid = find(&gpus[i], "uuid");
    snprintf(listed[listed_count++], sizeof *listed, "%s", uuid == NULL ? "" : uuid);
  }
}

ret nvmlInit_v2(void) {
  ret code = enter("nvmlInit_v2");
  if (code != OK) return code;
  if (machine_number("init") != OK) return (ret)machine_number("init");
  if (users++ == 0) handle_count = 0;
  opened_generation = machine_number("generation");
  list();
  return OK;
}
ret nvmlShutdown(void) {
  ret code = enter("nvmlShutdown");
  if (users > 0) users--;
  return code;
}
ret nvmlSystemGetDriverVersion(char *text, u32 length) {
  ret code = enter("nvmlSystemGetDriverVersion");
  const char *value = find(&machine, "driver");
  if (code != OK || value == NULL) return code != OK ? code : NOT_SUPPORTED;
  snprintf(text, length, "%s", value);
  return OK;
}
ret nvmlSystemGetCudaDriverVersion_v2(int *version) {
  ret code = enter("nvmlSystemGetCudaDriverVersion_v2");
  if (code == OK) *version = (int)machine_number("cuda");
  return code;
}
ret nvmlDeviceGetCount_v2(u32 *count) {
  ret code = enter("nvmlDeviceGetCount_v2");
  if (code != OK) return code;
  if (machine_number("live") != 0) list();
  *count = (u32)listed_count;
  return OK;
}
ret nvmlDeviceGetHandleByIndex_v2(u32 index, device *d) {
  ret code = enter("nvmlDeviceGetHandleByIndex_v2");
  if (code != OK) return code;
  if (index >= (u32)listed_count) return INVALID_ARGUMENT;
  block *gpu = gpu_named(listed[index]);
  if (gpu == NULL) return GPU_IS_LOST;
  const char *refused = find(gpu, "handle");
  if (refused != NULL) return code_in(refused);
  *d = handle_for(listed[index], -1);
  return *d == NULL ? OUT_OF_MEMORY : OK;
}
ret nvmlDeviceGetHandleByUUID(const char *uuid, device *d) {
  ret code = enter("nvmlDeviceGetHandleByUUID");
  if (code != OK) return code;
  block *gpu = gpu_named(uuid);
  if (gpu == NULL) return NOT_FOUND;
  const char *refused = find(gpu, "handle");
  if (refused != NULL) return code_in(refused);
  *d = handle_for(uuid, -1);
  return *d == NULL ? OUT_OF_MEMORY : OK;
}

/* A MIG instance is a line `migN GI CI MEMORY_MIB PROFILE UUID` of its GPU. */
typedef struct { u32 gi, ci; u64 memory; char profile[32], uuid[64]; } instance;
static ret ask_instance(device d, const char *fn, int index, instance *found) {
  char key[16];
  snprintf(key, sizeof key, "mig%d", index);
  const char *value;
  ret code = ask(d, fn, key, &value);
  if (code != OK) return code == NOT_SUPPORTED ? NOT_FOUND : code;
  int parts = sscanf(value, "%u %u %llu %31s %63s", &found->gi, &found->ci, &found->memory, found->profile, found->uuid);
  return parts == 5 ? OK : NOT_FOUND;
}
ret nvmlDeviceGetUUID(device d, char *text, u32 length) {
  instance mig;
  if (d != NULL && d->mig >= 0) {
    ret code = ask_instance(d, "nvmlDeviceGetUUID", d->mig, &mig);
    if (code == OK) snprintf(text, length, "%s", mig.uuid);
    return code;
  }
  return ask_text(d, "nvmlDeviceGetUUID", "uuid", text, length);
}
ret nvmlDeviceGetName(device d, char *text, u32 length) {
  ret code = ask_text(d, "nvmlDeviceGetName", "name", text, length);
  instance mig;
  if (code != OK || d->mig < 0) return code;
  code = ask_instance(d, "nvmlDeviceGetName", d->mig, &mig);
  if (code == OK) snprintf(text + strlen(text), length - strlen(text), " MIG %s", mig.profile);
  return code;
}
NUMBER(nvmlDeviceGetMaxMigDeviceCount, "mig_places")
ret nvmlDeviceGetMigDeviceHandleByIndex(device d, u32 index, device *found) {
  instance mig;
  ret code = ask_instance(d, "nvmlDeviceGetMigDeviceHandleByIndex", (int)index, &mig);
  if (code != OK) return code;
  *found = handle_for(d->uuid, (int)index);
  return *found == NULL ? OUT_OF_MEMORY : OK;
}
ret nvmlDeviceGetGpuInstanceId(device d, u32 *id) {
  instance mig;
  ret code = ask_instance(d, "nvmlDeviceGetGpuInstanceId", d->mig, &mig);
  if (code == OK) *id = mig.gi;
  return code;
}
ret nvmlDeviceGetComputeInstanceId(device d, u32 *id) {
  instance mig;
  ret code = ask_instance(d, "nvmlDeviceGetComputeInstanceId", d->mig, &mig);
  if (code == OK) *id = mig.ci;
  return code;
}
typedef struct { u32 counts[8]; u64 memory_mib; } attributes;
ret nvmlDeviceGetAttributes_v2(device d, attributes *a) {
  instance mig;
  ret code = ask_instance(d, "nvmlDeviceGetAttributes_v2", d->mig, &mig);
  if (code == OK) a->memory_mib = mig.memory;
  return code;
}

typedef struct { char legacy[16]; u32 domain, bus, device, id, subsystem; char bus_id[32]; } pci_info;
ret nvmlDeviceGetPciInfo_v3(device d, pci_info *pci) {
  memset(pci, 0x5a, sizeof *pci);
  ret code = ask_text(d, "nvmlDeviceGetPciInfo_v3", "bus", pci->bus_id, sizeof pci->bus_id);
  return code != OK ? code : ask_u32(d, "nvmlDeviceGetPciInfo_v3", "pci_id", &pci->id);
}
NUMBER(nvmlDeviceGetBrand, "brand")
TEXT(nvmlDeviceGetSerial, "serial")
TEXT(nvmlDeviceGetVbiosVersion, "vbios")
TEXT(nvmlDeviceGetBoardPartNumber, "board_part")
TEXT(nvmlDeviceGetInforomImageVersion, "inforom")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "gen_max")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "width_max")
NUMBER_OF(nvmlDeviceGetMaxClockInfo, "sm_clock_max", 1)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit")
NUMBER(nvmlDeviceGetPowerManagementLimit, "power_limit_set")
ret nvmlDeviceGetEccMode(device d, u32 *current, u32 *pending) {
  *pending = 7;
  return ask_u32(d, "nvmlDeviceGetEccMode", "ecc", current);
}
NUMBER(nvmlDeviceGetPersistenceMode, "persistence")
ret nvmlDeviceGetMigMode(device d, u32 *current, u32 *pending) {
  *pending = 7;
  return ask_u32(d, "nvmlDeviceGetMigMode", "mig", current);
}
typedef struct { u32 gpu, memory; } utilization;
ret nvmlDeviceGetUtilizationRates(device d, utilization *u) {
  ret code = ask_u32(d, "nvmlDeviceGetUtilizationRates", "util", &u->gpu);
  return code != OK ? code : ask_u32(d, "nvmlDeviceGetUtilizationRates", "mem_util", &u->memory);
}
typedef struct { u64 total, free, used; } memory_v1;
ret nvmlDeviceGetMemoryInfo(device d, memory_v1 *m) {
  u64 reserved = 0;
  ret code = ask_number(d, "nvmlDeviceGetMemoryInfo", "fb_total", &m->total);
  if (code == OK) code = ask_number(d, "nvmlDeviceGetMemoryInfo", "fb_used", &m->used);
  if (code == OK) code = ask_number(d, "nvmlDeviceGetMemoryInfo", "fb_reserved", &reserved);
  m->used += reserved;
  m->free = m->total - m->used;
  return code;
}
NUMBER(nvmlDeviceGetPowerUsage, "power")
NUMBER_OF(nvmlDeviceGetTemperature, "temp", 0)
NUMBER_OF(nvmlDeviceGetClockInfo, "sm_clock", 1)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "gen")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "width")
ret nvmlDeviceGetTotalEnergyConsumption(device d, u64 *mj) {
  return ask_number(d, "nvmlDeviceGetTotalEnergyConsumption", "energy", mj);
}
ret nvmlDeviceGetCurrentClocksThrottleReasons(device d, u64 *mask) {
  return ask_number(d, "nvmlDeviceGetCurrentClocksThrottleReasons", "throttle", mask);
}
ret nvmlDeviceGetMemoryErrorCounter(device d, u32 type, u32 counter, u32 location, u64 *count) {
  static const char *const names[] = {"l1", "l2", "dram", "registers", "texture", "shared", "cbu", "sram"};
  if (type > 1 || counter > 1 || location > 7) return INVALID_ARGUMENT;
  char key[32];
  snprintf(key, sizeof key, "%s_%s_%s", names[location], type == 0 ? "corr" : "unc", counter == 0 ? "vol" : "agg");
  return ask_number(d, "nvmlDeviceGetMemoryErrorCounter", key, count);
}
ret nvmlDeviceGetRemappedRows(device d, u32 *corr, u32 *unc, u32 *pending, u32 *failure) {
  const char *value;
  ret code = ask(d, "nvmlDeviceGetRemappedRows", "remapped", &value);
  if (code != OK) return code;
  return sscanf(value, "%u %u %u %u", corr, unc, pending, failure) == 4 ? OK : 999;
}
NUMBER(nvmlDeviceGetPcieReplayCounter, "replays")

typedef struct { u32 pid; u64 memory; u32 gi, ci; } process_info;
static ret processes(device d, const char *fn, const char *key, u32 *count, process_info *infos) {
  const char *value;
  ret code = ask(d, fn, key, &value);
  if (code != OK) return code;
  u32 room = *count, have = 0;
  char *rest = (char *)value;
  for (;;) {
    char *end;
    u32 pid = (u32)strtoul(rest, &end, 10);
    if (end == rest) break;
    if (have < room) infos[have] = (process_info){.pid = pid, .gi = ~0u, .ci = ~0u};
    have++;
    rest = end;
  }
  *count = have;
  return have > room ? INSUFFICIENT_SIZE : OK;
}
ret nvmlDeviceGetComputeRunningProcesses_v2(device d, u32 *count, process_info *infos) {
  return processes(d, "nvmlDeviceGetComputeRunningProcesses_v2", "compute", count, infos);
}
ret nvmlDeviceGetGraphicsRunningProcesses_v2(device d, u32 *count, process_info *infos) {
  return processes(d, "nvmlDeviceGetGraphicsRunningProcesses_v2", "graphics", count, infos);
}

/* An Xid is told as often as `xid NUMBER TIMES` counts up after the events were asked for. */
typedef struct { device d; u64 type, data; u32 gi, ci; } event;
static struct { device d; u32 told; } watched[MAX_HANDLES];
static int watched_count;
static u32 told_of(block *gpu, u32 *xid) {
  const char *value = gpu == NULL ? NULL : find(gpu, "xid");
  u32 times = 0;
  if (value == NULL || sscanf(value, "%u %u", xid, &times) != 2) return 0;
  return times;
}
ret nvmlEventSetCreate(void **set) {
  ret code = enter("nvmlEventSetCreate");
  watched_count = 0;
  if (code == OK) *set = watched;
  return code;
}
ret nvmlEventSetFree(void *set) { return set == watched ? enter("nvmlEventSetFree") : INVALID_ARGUMENT; }
ret nvmlDeviceRegisterEvents(device d, u64 types, void *set) {
  ret code = enter("nvmlDeviceRegisterEvents");
  u32 xid = 0;
  if (code != OK) return code;
  if (types != 8 || set != watched) return INVALID_ARGUMENT;
  if (watched_count == MAX_HANDLES) return 999;
  watched[watched_count].d = d;
  watched[watched_count++].told = told_of(gpu_named(d->uuid), &xid);
  return OK;
}
ret nvmlEventSetWait_v2(void *set, event *e, u32 timeout_ms) {
  ret code = enter("nvmlEventSetWait_v2");
  if (code != OK) return code;
  if (set != watched) return INVALID_ARGUMENT;
  for (int i = 0; i < watched_count; i++) {
    u32 xid = 0, times = told_of(gpu_named(watched[i].d->uuid), &xid);
    if (times <= watched[i].told) continue;
    watched[i].told++;
    *e = (event){watched[i].d, 8, xid, ~0u, ~0u};
    return OK;
  }
  usleep(timeout_ms * 1000);
  return TIMEOUT;
}

#ifndef OLD_DRIVER
/* `evidence PREFIX`: the report over a nonce is the file PREFIX.NONCE, the chain PREFIX.pem. */
static ret read_file(const char *path, unsigned char *into, u32 room, u32 *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 999;
  size_t got = fread(into, 1, room, file);
  fclose(file);
  *length = (u32)got;
  return OK;
}
typedef struct { u32 cec_present, size, cec_size; unsigned char nonce[0x20], report[0x2000], cec[0x1000]; } attestation;
ret nvmlDeviceGetConfComputeGpuAttestationReport(device d, attestation *a) {
  const char *prefix;
  ret code = ask(d, "nvmlDeviceGetConfComputeGpuAttestationReport", "evidence", &prefix);
  if (code != OK) return code;
  char path[256];
  int at = snprintf(path, sizeof path, "%s.", prefix);
  for (int i = 0; i < 0x20; i++) at += snprintf(path + at, sizeof path - (size_t)at, "%02x", a->nonce[i]);
  code = read_file(path, a->report, sizeof a->report, &a->size);
  if (code == OK && machine_number("evidence_size") != 0) a->size = (u32)machine_number("evidence_size");
  return code;
}
typedef struct { u32 size, attestation_size; unsigned char chain[0x1000], attestation_chain[0x1400]; } certificate;
ret nvmlDeviceGetConfComputeGpuCertificate(device d, certificate *c) {
  const char *prefix;
  ret code = ask(d, "nvmlDeviceGetConfComputeGpuCertificate", "evidence", &prefix);
  if (code != OK) return code;
  char path[256];
  snprintf(path, sizeof path, "%s.pem", prefix);
  return read_file(path, c->attestation_chain, sizeof c->attestation_chain, &c->attestation_size);
}
NUMBER(nvmlDeviceGetArchitecture, "architecture")
NUMBER(nvmlDeviceGetModuleId, "module")
typedef struct { u32 version; u64 value; } pdi_v1;
ret nvmlDeviceGetPdi(device d, pdi_v1 *pdi) {
  if (pdi->version != VERSION(pdi_v1, 1)) return VERSION_MISMATCH;
  return ask_number(d, "nvmlDeviceGetPdi", "pdi", &pdi->value);
}
typedef struct { u32 version; u64 total, reserved, free, used; } memory_v2;
ret nvmlDeviceGetMemoryInfo_v2(device d, memory_v2 *m) {
  if (m->version != VERSION(memory_v2, 2)) return VERSION_MISMATCH;
  ret code = ask_number(d, "nvmlDeviceGetMemoryInfo_v2", "fb_total", &m->total);
  if (code == OK) code = ask_number(d, "nvmlDeviceGetMemoryInfo_v2", "fb_used", &m->used);
  if (code == OK) code = ask_number(d, "nvmlDeviceGetMemoryInfo_v2", "fb_reserved", &m->reserved);
  m->free = m->total - m->used - m->reserved;
  return code;
}
typedef struct { u32 version, sensor; int celsius; } temperature_v1;
ret nvmlDeviceGetTemperatureV(device d, temperature_v1 *t) {
  if (t->version != VERSION(temperature_v1, 1)) return VERSION_MISMATCH;
  return t->sensor != 0 ? NOT_SUPPORTED : ask_u32(d, "nvmlDeviceGetTemperatureV", "temp_signed", (u32 *)&t->celsius);
}
ret nvmlDeviceGetCurrentClocksEventReasons(device d, u64 *mask) {
  return ask_number(d, "nvmlDeviceGetCurrentClocksEventReasons", "throttle", mask);
}
typedef struct {
  u32 version;
  u64 agg_parity, agg_secded, agg_corr, vol_parity, vol_secded, vol_corr, l2, sm, pcie, mcu, other;
  u32 exceeded;
} sram_v1;
ret nvmlDeviceGetSramEccErrorStatus(device d, sram_v1 *s) {
  if (s->version != VERSION(sram_v1, 1)) return VERSION_MISMATCH;
  return ask_u32(d, "nvmlDeviceGetSramEccErrorStatus", "sram_exceeded", &s->exceeded);
}
typedef struct { u32 field, scope; long long at, latency; u32 type; ret code; union { u32 u; u64 ul; double d; } value; } field_value;
ret nvmlDeviceGetFieldValues(device d, int count, field_value *values) {
  ret code = enter("nvmlDeviceGetFieldValues");
  for (int i = 0; code == OK && i < count; i++) {
    memset(&values[i].value, 0xa5, sizeof values[i].value);
    values[i].type = 1;
    values[i].code = values[i].field == 230
      ? ask_u32(d, "nvmlDeviceGetFieldValues", "recovery", &values[i].value.u)
      : NOT_SUPPORTED;
    if (values[i].code == GPU_IS_LOST) return GPU_IS_LOST;
  }
  return code;
}
ret nvmlDeviceGetComputeRunningProcesses_v3(device d, u32 *count, process_info *infos) {
  return processes(d, "nvmlDeviceGetComputeRunningProcesses_v3", "compute", count, infos);
}
ret nvmlDeviceGetGraphicsRunningProcesses_v3(device d, u32 *count, process_info *infos) {
  return processes(d, "nvmlDeviceGetGraphicsRunningProcesses_v3", "graphics", count, infos);
}

/* `platform SLOT TRAY HOST PEER MODULE CHASSIS`; the chassis may be absent. */
typedef struct { u32 version; unsigned char guid[16], chassis[16], slot, tray, host, peer, module; } platform;
ret nvmlDeviceGetPlatformInfo(device d, platform *p) {
  if (p->version != VERSION(platform, 2)) return VERSION_MISMATCH;
  const char *value;
  ret code = ask(d, "nvmlDeviceGetPlatformInfo", "platform", &value);
  if (code != OK) return code;
  u32 slot = 0, tray = 0, host = 0, peer = 0, module = 0;
  char chassis[17] = "";
  sscanf(value, "%u %u %u %u %u %16s", &slot, &tray, &host, &peer, &module, chassis);
  memcpy(p->chassis, chassis, 16);
  p->slot = (unsigned char)slot;
  p->tray = (unsigned char)tray;
  p->host = (unsigned char)host;
  p->peer = (unsigned char)peer;
  p->module = (unsigned char)module;
  return OK;
}

/* `fabric STATE STATUS CLIQUE CLUSTER_HEX` */
typedef struct { u32 version; unsigned char cluster[16]; ret status; u32 clique; unsigned char state; u32 health; } fabric_v2;
typedef struct { u32 version; unsigned char cluster[16]; ret status; u32 clique; unsigned char state; u32 health; unsigned char summary; } fabric_v3;
ret nvmlDeviceGetGpuFabricInfoV(device d, fabric_v3 *f) {
  const char *value;
  ret code = ask(d, "nvmlDeviceGetGpuFabricInfoV", "fabric", &value);
  if (code != OK) return code;
  u32 wanted = machine_number("fabric_v2") != 0 ? VERSION(fabric_v2, 2) : VERSION(fabric_v3, 3);
  if (f->version != wanted) return VERSION_MISMATCH;
  u32 state = 0;
  char hex[33] = "";
  sscanf(value, "%u %d %u %32s", &state, &f->status, &f->clique, hex);
  f->state = (unsigned char)state;
  for (int i = 0; i < 16; i++) {
    unsigned byte = 0;
    sscanf(hex + 2 * i, "%2x", &byte);
    f->cluster[i] = (unsigned char)byte;
  }
  return OK;
}

/* GPM: a sample holds the sum of `sm_activity` so far, so that the two asked for must be the right two. */
typedef struct { device d; u64 taken; double activity; } gpm_sample;
typedef struct { u32 version, supported; } gpm_support;
typedef struct { u32 id; ret code; double value; const char *names[3]; } gpm_metric;
typedef struct { u32 version, count; gpm_sample *first, *second; gpm_metric metrics[333]; } gpm_metrics;
static u64 gpm_taken;
ret nvmlGpmQueryDeviceSupport(device d, gpm_support *s) {
  if (s->version != 1) return VERSION_MISMATCH;
  const char *value;
  ret code = ask(d, "nvmlGpmQueryDeviceSupport", "sm_activity", &value);
  s->supported = code == OK;
  return code == NOT_SUPPORTED ? OK : code;
}
ret nvmlGpmSampleAlloc(gpm_sample **s) {
  ret code = enter("nvmlGpmSampleAlloc");
  if (code == OK) *s = calloc(1, sizeof **s);
  return code;
}
ret nvmlGpmSampleFree(gpm_sample *s) {
  free(s);
  return OK;
}
ret nvmlGpmSampleGet(device d, gpm_sample *s) {
  const char *value;
  ret code = ask(d, "nvmlGpmSampleGet", "sm_activity", &value);
  if (code == OK) *s = (gpm_sample){d, ++gpm_taken, strtod(value, NULL)};
  return code;
}
ret nvmlGpmMetricsGet(gpm_metrics *m) {
  ret code = enter("nvmlGpmMetricsGet");
  if (code != OK) return code;
  if (m->version != 1) return VERSION_MISMATCH;
  if (m->count != 1 || m->first->d != m->second->d || m->first->taken >= m->second->taken) return INVALID_ARGUMENT;
  m->metrics[0].code = m->metrics[0].id == 2 ? OK : NOT_SUPPORTED;
  m->metrics[0].value = m->second->activity;
  return OK;
}
#endif
