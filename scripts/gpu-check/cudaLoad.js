import koffi from "koffi";

/**
 * Keeps the first GPU busy through the driver's own library, for machines without any other load: a kernel that adds in a
 * loop, launched again and again until this process is killed. `--probe` launches it once. Exit code 1: no CUDA here.
 */
const ptx = `.version 6.0
.target sm_50
.address_size 64
.visible .entry spin(.param .u64 out, .param .u32 rounds)
{
  .reg .pred %p;
  .reg .b32 %r<6>;
  .reg .f32 %f<4>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  ld.param.u32 %r1, [rounds];
  mov.u32 %r2, %tid.x;
  mov.u32 %r4, %ctaid.x;
  mov.u32 %r5, %ntid.x;
  mad.lo.u32 %r2, %r4, %r5, %r2;
  cvt.rn.f32.u32 %f1, %r2;
  mov.f32 %f2, 0f3F800001;
  mov.u32 %r3, 0;
loop:
  fma.rn.f32 %f1, %f1, %f2, %f2;
  fma.rn.f32 %f1, %f1, %f2, %f2;
  fma.rn.f32 %f1, %f1, %f2, %f2;
  fma.rn.f32 %f1, %f1, %f2, %f2;
  add.u32 %r3, %r3, 1;
  setp.lt.u32 %p, %r3, %r1;
  @%p bra loop;
  cvta.to.global.u64 %rd2, %rd1;
  mul.wide.u32 %rd3, %r2, 4;
  add.u64 %rd2, %rd2, %rd3;
  st.global.f32 [%rd2], %f1;
  ret;
}
\0`;

const blocks = 2048;
const threads = 256;

try {
  const cuda = koffi.load("libcuda.so.1");
  const call = (name, parameters) => {
    const run = cuda.func(`int ${name}(${parameters})`);
    return (...args) => {
      const code = run(...args);
      if (code !== 0) throw new Error(`${name} returned ${code}`);
    };
  };
  const init = call("cuInit", "uint32_t flags");
  const getDevice = call("cuDeviceGet", "void *device, int ordinal");
  const retain = call("cuDevicePrimaryCtxRetain", "void *context, int device");
  const setCurrent = call("cuCtxSetCurrent", "uint64_t context");
  const loadModule = call("cuModuleLoadData", "void *module, const void *image");
  const getFunction = call("cuModuleGetFunction", "void *function, uint64_t module, const char *name");
  const allocate = call("cuMemAlloc_v2", "void *address, size_t bytes");
  const launch = call(
    "cuLaunchKernel",
    "uint64_t function, uint32_t gx, uint32_t gy, uint32_t gz, uint32_t bx, uint32_t by, uint32_t bz, uint32_t shared, uint64_t stream, void *parameters, void *extra",
  );
  const synchronize = call("cuCtxSynchronize", "void");

  const word = () => Buffer.alloc(8);
  const [device, context, module, kernel, memory] = [word(), word(), word(), word(), word()];
  init(0);
  getDevice(device, 0);
  retain(context, device.readInt32LE());
  setCurrent(context.readBigUInt64LE());
  loadModule(module, Buffer.from(ptx));
  getFunction(kernel, module.readBigUInt64LE(), "spin");
  allocate(memory, blocks * threads * 4);

  const rounds = Buffer.alloc(4);
  rounds.writeUInt32LE(100_000);
  // An array of pointers to the parameters, which must stay where they are while the kernel is launched.
  const parameters = Buffer.alloc(16);
  parameters.writeBigUInt64LE(koffi.address(memory), 0);
  parameters.writeBigUInt64LE(koffi.address(rounds), 8);
  do {
    launch(kernel.readBigUInt64LE(), blocks, 1, 1, threads, 1, 1, 0, 0, parameters, null);
    synchronize();
  } while (!process.argv.includes("--probe"));
} catch (error) {
  process.stderr.write(`cudaLoad: ${error.message}\n`);
  process.exitCode = 1;
}
