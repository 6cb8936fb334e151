# The demo image's kernel: a program of its own that obeys the Linux boot protocol
# (Documentation/arch/x86/boot.rst) far enough for a boot loader to start it. It writes a
# message on the screen and the first serial port, and halts. It is an EFI program as well (PE
# format, "PE Signature" to "Section Table"), which writes the same and returns to the firmware.
        .code16
        .text
        .globl  _start
_start:
        .ascii  "MZ"
        .org    0x3c
        .long   pe_header
pe_header:
        .ascii  "PE\0\0"
        .word   0x8664                  # Machine: x64
        .word   1                       # NumberOfSections
        .long   0, 0, 0                 # TimeDateStamp, PointerToSymbolTable, NumberOfSymbols
        .word   section_table - optional_header
        .word   0x0206                  # Characteristics: executable, no line numbers, debug stripped
optional_header:
        .word   0x20b                   # PE32+
        .byte   0, 0                    # linker version
        .long   512, 0, 0               # SizeOfCode, ...OfInitializedData, ...OfUninitializedData
        .long   efi_start               # AddressOfEntryPoint
        .long   0x400                   # BaseOfCode
        .quad   0                       # ImageBase
        .long   512, 512                # SectionAlignment, FileAlignment
        .word   0, 0, 0, 0, 0, 0        # versions: operating system, image, subsystem
        .long   0                       # Win32VersionValue
        .long   0x600, 0x400            # SizeOfImage, SizeOfHeaders
        .long   0                       # CheckSum
        .word   10, 0                   # Subsystem: EFI application; DllCharacteristics
        .quad   0, 0, 0, 0              # stack and heap
        .long   0, 6                    # LoaderFlags, NumberOfRvaAndSizes
        .quad   0, 0, 0, 0, 0, 0
section_table:
        .ascii  ".text\0\0\0"
        .long   512, 0x400, 512, 0x400  # VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData
        .long   0, 0
        .word   0, 0
        .long   0x60000020              # code, executable, readable

        .org    0x1f1
        .byte   1                       # setup_sects: one sector besides the boot sector
        .word   0                       # root_flags
        .long   32                      # syssize, in 16-byte units: the 512 bytes at the end
        .word   0                       # ram_size
        .word   0xffff                  # vid_mode: normal
        .word   0                       # root_dev
        .word   0xaa55                  # boot_flag
        .org    0x200
        .byte   0xeb, start_of_setup - 1f   # jump
1:      .ascii  "HdrS"
        .word   0x0206                  # version of the protocol
        .long   0                       # realmode_switch
        .word   0                       # start_sys_seg
        .word   kernel_version - 512    # kernel_version, relative to the setup code
        .byte   0                       # type_of_loader
        .byte   1                       # loadflags: LOADED_HIGH
        .word   0x8000                  # setup_move_size
        .long   0x100000                # code32_start
        .long   0                       # ramdisk_image
        .long   0                       # ramdisk_size
        .long   0                       # bootsect_kludge
        .word   0                       # heap_end_ptr
        .byte   0, 0                    # ext_loader_ver, ext_loader_type
        .long   0                       # cmd_line_ptr
        .long   0x7fffffff              # initrd_addr_max
        .long   0                       # kernel_alignment
        .byte   0, 0                    # relocatable_kernel, min_alignment
        .word   0                       # xloadflags
        .long   255                     # cmdline_size

start_of_setup:                         # CS is 0x20 paragraphs past the boot sector
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        movw    $(message - 512), %si
next:   lodsb
        testb   %al, %al
        jz      stop
        movb    %al, %bl
        movb    $0x0e, %ah              # BIOS: write a character on the screen
        movb    %bl, %al
        pushw   %si
        xorw    %bx, %bx
        int     $0x10
        popw    %si
        movw    $0x3f8, %dx             # and on the first serial port
        outb    %al, %dx
        jmp     next
stop:   cli
        hlt
        jmp     stop

message:
        .asciz  "\r\nkairos-netboot demo: kernel and initrd are loaded.\r\n"
kernel_version:
        .asciz  "0.1.0-demo (kairos-netboot demo image)"
        .org    0x400
                                        # The protected-mode kernel, which is never entered.
efi_start:                              # 64-bit code; RDX is the EFI_SYSTEM_TABLE
        .byte   0x48, 0x83, 0xec, 0x28  # sub  $40, %rsp
        .byte   0x48, 0x8b, 0x4a, 0x40  # mov  64(%rdx), %rcx: ConOut
        .byte   0x48, 0x8d, 0x15        # lea  efi_message(%rip), %rdx
        .long   efi_message - 1f
1:      .byte   0xff, 0x51, 0x08        # call *8(%rcx): OutputString
        .byte   0x31, 0xc0              # xor  %eax, %eax
        .byte   0x48, 0x83, 0xc4, 0x28  # add  $40, %rsp
        .byte   0xc3                    # ret
efi_message:
        .irpc   letter, kairos-netboot
        .ascii  "\letter\0"
        .endr
        .word   32
        .irpc   letter, demo:
        .ascii  "\letter\0"
        .endr
        .word   32
        .irpc   letter, started.
        .ascii  "\letter\0"
        .endr
        .word   13, 10, 0
        .org    0x600
